import re
import struct
import zlib

import pytest

from data.image_bytes import first_picture
from data.image_bytes.damage import DamagedImageError
from tests.endurance.image_mutations import good_images

MAX_PIXELS = 30_000
GOOD = good_images()
REMARK = b"remark"
SHARES = {"webp lossy": 2, "webp lossless": 2, "webp animated": 2, "bmp packed": 10}
"""What part of the pixels of other kinds a kind may have, as a divisor."""


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_file_is_known_by_its_content_and_loses_its_remarks(kind: str) -> None:
    image_format, picture = first_picture(GOOD[kind], MAX_PIXELS)
    assert image_format.lower() == kind.split()[0]
    assert REMARK not in picture


@pytest.mark.parametrize("kind", GOOD)
def test_a_picture_of_too_many_pixels_is_refused(kind: str) -> None:
    with pytest.raises(DamagedImageError, match="56 x 40 = 2240 pixels are too many"):
        first_picture(GOOD[kind], SHARES.get(kind, 1) * 2239)


@pytest.mark.parametrize(
    "kind", [kind for kind in GOOD if kind != "jpeg several" and not kind.startswith(("bmp", "tiff"))]
)
def test_a_file_that_is_cut_off_anywhere_is_refused(kind: str) -> None:
    content = GOOD[kind]
    for length in {*range(0, len(content), 7), *range(len(content) - 20, len(content))}:
        with pytest.raises(DamagedImageError):
            first_picture(content[:length], MAX_PIXELS)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"<html>", b"%!PS-Adobe-3.0", b"P6 1 1 255 abc", b"MM\0+", b"RIFF\0\0\0\0WAVE"]
)
def test_another_kind_of_file_is_refused(content: bytes) -> None:
    with pytest.raises(DamagedImageError, match=r"it is (empty|no JPEG, PNG, GIF, BMP, WEBP or TIFF file|a RIFF file)"):
        first_picture(content, MAX_PIXELS)


def test_any_changed_byte_of_a_png_is_found() -> None:
    content = GOOD["png"]
    for place in range(8, len(content), 11):
        damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        with pytest.raises(DamagedImageError):
            first_picture(damaged, MAX_PIXELS)


def test_a_png_of_endless_chunks_is_refused() -> None:
    chunk = struct.pack(">I", 0) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))
    content = GOOD["png"][:33] + chunk * 200_000
    with pytest.raises(DamagedImageError, match="more than 200000 chunks"):
        first_picture(content, MAX_PIXELS)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    content = GOOD["jpeg progressive"]
    scan = re.search(rb"\xff\xda.*?(?=\xff[^\x00])", content, re.DOTALL)
    assert scan is not None
    content = content[: scan.end()] + scan[0] * 300 + content[scan.end() :]
    with pytest.raises(DamagedImageError, match=r"1 frames and 3\d\d scans"):
        first_picture(content, MAX_PIXELS)


def test_a_large_jpeg_of_many_scans_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.image_bytes.jpeg.MAX_SCANNED_PIXELS", 10 * 56 * 40)
    first_picture(GOOD["jpeg progressive"], MAX_PIXELS)
    monkeypatch.setattr("data.image_bytes.jpeg.MAX_SCANNED_PIXELS", 10 * 56 * 40 - 1)
    with pytest.raises(DamagedImageError, match="10 scans of 56 x 40 pixels are too many"):
        first_picture(GOOD["jpeg progressive"], MAX_PIXELS)


def test_a_jpeg_of_endless_segments_or_restart_marks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.image_bytes.jpeg.MAX_MARKS", 100)
    content = GOOD["jpeg baseline"]
    with pytest.raises(DamagedImageError, match="more than 100 segments"):
        first_picture(content[:2] + b"\xff\xfe\0\2" * 100 + content[2:], MAX_PIXELS)
    restarts = b"".join(bytes([0xFF, 0xD0 + number % 8]) for number in range(100))
    with pytest.raises(DamagedImageError, match="more than 100 restart marks"):
        first_picture(content[:-2] + restarts + content[-2:], MAX_PIXELS)


def test_a_tiff_with_an_entry_twice_is_refused() -> None:
    entries = [(256, 4, 1, 56), (257, 4, 1, 40), (258, 3, 1, 8), (258, 3, 1, 8)]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    with pytest.raises(DamagedImageError, match="it has an entry twice"):
        first_picture(struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + directory + bytes(4), MAX_PIXELS)


def test_a_packed_bmp_has_a_tenth_of_the_pixels_at_most() -> None:
    with pytest.raises(DamagedImageError, match="56 x 40 = 2240 pixels are too many"):
        first_picture(GOOD["bmp packed"], 22_399)
    first_picture(GOOD["bmp packed"], 22_400)


def test_a_jpeg_that_lacks_a_part_between_two_restart_marks_is_refused() -> None:
    content = GOOD["jpeg restarts"]
    without = content[: content.index(b"\xff\xd1")] + content[content.index(b"\xff\xd2") :]
    with pytest.raises(DamagedImageError, match="a part of its data is missing"):
        first_picture(without, MAX_PIXELS)


def test_what_follows_the_end_mark_of_a_jpeg_is_no_fault() -> None:
    content = GOOD["jpeg baseline"]
    assert first_picture(content + b"anything", MAX_PIXELS) == first_picture(content, MAX_PIXELS)


def test_of_several_pictures_only_the_first_is_left() -> None:
    for kind in ("gif animated", "png animated", "jpeg several"):
        assert len(first_picture(GOOD[kind], MAX_PIXELS)[1]) < 0.7 * len(GOOD[kind])


def test_a_tiff_is_left_without_further_directories() -> None:
    picture = first_picture(GOOD["tiff several"], MAX_PIXELS)[1]
    start = int.from_bytes(picture[4:8], "little")
    num_entries = int.from_bytes(picture[start : start + 2], "little")
    assert picture[start + 2 + 12 * num_entries :][:4] == bytes(4)


@pytest.mark.parametrize(
    ("tag", "kind", "count", "value", "message"),
    [
        (258, 3, 2**20 - 1, 8, "its entry 258 has"),
        (273, 4, 900_000, 8, "cut off"),
        (273, 4, 1, 2**32 - 1, "cut off"),
        (322, 4, 1, 2**31, "too many"),
        (256, 4, 1, 2**31, "too many"),
        (256, 99, 1, 56, "no known type"),
        (273, 3, 1_000_001, 8, "its entry 273 has 1000001 values"),
    ],
)
def test_a_tiff_with_impossible_entries_is_refused(tag: int, kind: int, count: int, value: int, message: str) -> None:
    entries = {
        256: (4, 1, 56), 257: (4, 1, 40), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 8),
        278: (4, 1, 40), 279: (4, 1, 2240), 323: (4, 1, 16), tag: (kind, count, value),
    }  # fmt: skip
    directory = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in sorted(entries.items()))
    content = struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + directory + bytes(4) + bytes(2240)
    with pytest.raises(DamagedImageError, match=message):
        first_picture(content, MAX_PIXELS)
