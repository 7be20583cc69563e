"""Image files that are meant to do harm: none is opened that is no plain file, and none fills the memory."""

import os
import re
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.image_decoding import to_rgb
from data.item_image import BadImageError, find_image, read_image
from tests.endurance.image_mutations import good_images

SIZE = 16


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(BadImageError, match=r"a\.jpg: unreadable image: it is no plain file"):
        read_image(tmp_path / "a.jpg", SIZE)


def test_a_socket_a_device_and_a_folder_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "a"))
        for file in (tmp_path / "a", Path("/dev/zero"), tmp_path):
            with pytest.raises(BadImageError, match="it is no plain file"):
                read_image(file, SIZE)


def test_links_may_lead_about_in_the_folder_and_the_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real" / "below").mkdir(parents=True)
    (tmp_path / "images").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "below" / "a.png").write_bytes(good_images()["png"])
    (tmp_path / "real" / "b.png").symlink_to("below/a.png")
    (tmp_path / "real" / "c.png").symlink_to(tmp_path / "real" / "b.png")
    for name in ("b.png", "c.png"):
        assert read_image(find_image(tmp_path / "images", name), SIZE).shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize("target", ["../secret.png", "../images2/a.png", "/etc/passwd", "/dev/zero", "../images/../x"])
def test_a_link_out_of_the_folder_is_refused_unless_links_are_followed(tmp_path: Path, target: str) -> None:
    for folder in ("images", "images2"):
        (tmp_path / folder).mkdir()
    for name in ("secret.png", "images2/a.png"):
        (tmp_path / name).write_bytes(good_images()["png"])
    link = tmp_path / "images" / "a.png"
    link.symlink_to(target)
    with pytest.raises(BadImageError, match=r"a\.png: unreadable image: it is a link out of the images folder"):
        find_image(tmp_path / "images", "a.png")
    assert find_image(tmp_path / "images", "a.png", follow_links=True) == link


def test_a_resized_picture_that_is_a_link_out_of_the_folder_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "secret.png").write_bytes(good_images()["png"])
    (tmp_path / "images" / "a.jpg").symlink_to("../secret.png")
    with pytest.raises(BadImageError, match="it is a link out of"):
        find_image(tmp_path / "images", "a.SS2")


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("b.jpg")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    with pytest.raises(BadImageError, match=r"a\.jpg: unreadable image: "):
        read_image(find_image(tmp_path, "a.jpg"), SIZE)


def test_a_name_full_of_escapes_is_written_out(tmp_path: Path) -> None:
    with pytest.raises(BadImageError) as caught:
        read_image(tmp_path / "a\x1b[2J\n\u202e.jpg", SIZE)
    assert "a\\x1b[2J\\n\\u202e.jpg: unreadable image" in str(caught.value)


def test_a_jpeg_whose_data_end_early_before_a_proper_end_mark_is_refused(tmp_path: Path) -> None:
    for kind in ("jpeg baseline", "jpeg grey", "jpeg cmyk"):
        content = good_images()[kind]
        for missing in (20, 40, 100):
            file = tmp_path / "a.jpg"
            file.write_bytes(content[: -2 - missing] + content[-2:])
            with Image.open(file) as image:
                image.load()  # Pillow fills the rest with grey
            with pytest.raises(BadImageError, match="truncated"):
                read_image(file, SIZE)


@pytest.mark.parametrize("kind", good_images())
def test_a_good_file_is_read_as_pillow_reads_all_of_it(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(good_images()[kind])
    with Image.open(file) as image:
        expected = np.asarray(to_rgb(image).resize((48, 48), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(read_image(file, 48), expected)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int, colour: int = 2) -> bytes:
    return png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))


def png_of(width: int, height: int, colour: int, *extra: bytes) -> bytes:
    """A black PNG, compressed a thousand times; colour 2 is RGB and 6 RGBA."""
    packer = zlib.compressobj(1)
    row = bytes(1 + width * (3 if colour == 2 else 4))
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = png_header(width, height, colour)
    return b"\x89PNG\r\n\x1a\n" + b"".join([header, *extra, png_chunk(b"IDAT", data), png_chunk(b"IEND", b"")])


def tiff_of(width: int, height: int, entries: dict[int, tuple[int, int, int]], tail: bytes = b"") -> bytes:
    tags = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), **entries}
    directory = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in sorted(tags.items()))
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + directory + bytes(4) + tail


def overlapping_directory(offset: int) -> bytes:
    """A TIFF directory of entries that all hold the same 60 kB: 300 MB when read."""
    entries = b"".join(struct.pack("<HHII", tag, 1, 60_000, 0) for tag in range(700, 5700))
    return struct.pack("<H", 5000) + entries + bytes(4) + bytes(offset)


def bomb_exif() -> bytes:
    exif = b"Exif\0\0" + struct.pack("<2sHI", b"II", 42, 8) + overlapping_directory(0)
    jpeg = good_images()["jpeg grey"]
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def header_changed(kind: str, place: int, value: bytes) -> bytes:
    content = good_images()[kind]
    return content[:place] + value + content[place + len(value) :]


def jpeg_of(width: int, height: int) -> bytes:
    content = good_images()["jpeg progressive"]
    frame = content.index(b"\xff\xc2")
    return content[: frame + 5] + struct.pack(">HH", height, width) + content[frame + 9 :]


def webp_saved(**settings: object) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (5000, 4999)).save(stream, "WEBP", **settings)
    return stream.getvalue()


SMALL = (3, 2)
ZEROS = bytes(200_000_000)
BOMBS: dict[str, Callable[[], bytes]] = {
    "png 50000 x 50000": lambda: png_of(*SMALL, 2).replace(png_header(*SMALL), png_header(50_000, 50_000)),
    "png of bearable size": lambda: png_of(5_000, 4_999, 6),
    "png zTXt": lambda: png_of(*SMALL, 2, png_chunk(b"zTXt", b"a\0\0" + zlib.compress(ZEROS, 1))),
    "png iTXt": lambda: png_of(*SMALL, 2, *[png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(ZEROS[:900_000]))] * 300),
    "png iCCP": lambda: png_of(*SMALL, 2, png_chunk(b"iCCP", b"a\0\0" + zlib.compress(ZEROS, 1))),
    "gif canvas": lambda: header_changed("gif", 6, struct.pack("<HH", 65_535, 65_535)),
    "gif remarks": lambda: good_images()["gif"][:-1] + b"!\xfe" + (b"\xff" + bytes(255)) * 100_000 + b"\0;",
    "webp canvas": lambda: header_changed("webp animated", 24, b"\xff" * 6),
    "webp of bearable size": lambda: webp_saved(lossless=True, method=0, quality=0),
    "jpeg 65500 x 65500": lambda: jpeg_of(65_500, 65_500),
    "jpeg progressive of bearable size": lambda: jpeg_of(5_000, 4_999),
    "jpeg exif": bomb_exif,
    "bmp packed": lambda: header_changed("bmp packed", 18, struct.pack("<ii", 2**31 - 1, 2**31 - 1)),
    "bmp packed of bearable size": lambda: header_changed("bmp packed", 18, struct.pack("<ii", 5_000, 4_999)),
    "tiff strips": lambda: tiff_of(5_000, 4_999, {273: (4, 1, 8), 278: (4, 1, 2**32 - 1), 279: (4, 1, 2**32 - 1)}),
    "tiff tiles": lambda: tiff_of(10, 10, {322: (4, 1, 2**16), 323: (4, 1, 2**16), 324: (4, 1, 8), 325: (4, 1, 90)}),
    "tiff tags": lambda: tiff_of(1, 1, {34665: (4, 1, 110), 273: (4, 1, 8), 279: (4, 1, 1)}, overlapping_directory(99)),
    "tiff entries of the same bytes": lambda: tiff_of(
        9, 9, {273: (4, 1, 8), 279: (4, 1, 99), **dict.fromkeys(range(700, 5700), (1, 400_000, 100))}, bytes(500_000)
    ),
    "tiff counts": lambda: tiff_of(9000, 9000, {273: (3, 2**24, 99), 279: (3, 2**24, 99)}, bytes(2**25)),
}  # fmt: skip
MEGABYTES = 500
"""Bound of the memory that reading any of them takes, those of 25 million pixels too: four times that at most."""


def test_no_bomb_takes_more_memory_or_time_than_an_honest_picture_of_its_size(tmp_path: Path) -> None:
    for name, content in BOMBS.items():
        (tmp_path / name).write_bytes(content())
    with (tmp_path / "sparse").open("wb") as stream:
        stream.write(b"RIFF\xff\xff\xff\xffWEBPVP8 ")
        stream.truncate(2**33)
    program = f"""
import time
from pathlib import Path
from data.item_image import BadImageError, read_image
from tests.endurance.peak_memory import peak_bytes
for file in sorted(Path({str(tmp_path)!r}).iterdir()):
    start = time.process_time()
    try:
        answer = str(read_image(file, 384).shape)
    except BadImageError as error:
        answer = str(error)[-70:]
    megabytes = peak_bytes() // 2**20
    print(file.name, megabytes, round(time.process_time() - start, 2), answer, sep=";")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    lines = [line.split(";", 3) for line in run.stdout.splitlines()]
    assert len(lines) == len(BOMBS) + 1
    assert max(int(megabytes) for _, megabytes, _, _ in lines) < MEGABYTES, run.stdout
    assert max(float(seconds) for _, _, seconds, _ in lines) < 5, run.stdout
    read = {name for name, _, _, answer in lines if re.fullmatch(r"\(384, 384, 3\)", answer)}
    harmless = {"png of bearable size", "webp of bearable size", "gif remarks", "png zTXt", "png iTXt", "png iCCP"}
    assert read >= harmless | {"jpeg exif"}, run.stdout
    assert not {name for name in read if "x" in name.split() or "canvas" in name or name in ("sparse", "tiff tiles")}
