import io
import json
import os
import signal
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from options.errors import UserError
from tests.command_server import start
from tools.preparation.picture import PictureSettings, ResizeResult, ResizeTask, resize_pictures
from tools.preparation.resize_run import resize_folder

ROOT = Path(__file__).parents[3]


def photo(width: int = 240, height: int = 180) -> Image.Image:
    ramp = np.linspace(0, 255, width)[None] * np.ones((height, 1))
    pixels = np.stack([ramp, ramp.max() - ramp, np.full_like(ramp, 90)], axis=2).astype(np.uint8)
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).ellipse((40, 30, 160, 140), fill=(200, 30, 60))
    return image


def encoded(image: Image.Image, suffix: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, suffix, **options)
    return stream.getvalue()


def png_header_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def hostile_files() -> dict[str, bytes]:
    picture = photo()
    jpeg = encoded(picture, "JPEG")
    progressive = encoded(picture, "JPEG", progressive=True)
    png, gif, bmp = (encoded(picture, kind) for kind in ("PNG", "GIF", "BMP"))
    webp, tiff = encoded(picture, "WEBP"), encoded(picture, "TIFF")
    palette = picture.quantize(16)
    frames = [photo(80 + 10 * step, 60) for step in range(3)]
    frames = [frame.resize((80, 60)) for frame in frames]
    animated: dict[str, object] = {"save_all": True, "append_images": frames[1:]}
    layer = picture.copy()
    layer.putalpha(Image.linear_gradient("L").resize(picture.size))
    deep = Image.fromarray(np.arange(180 * 240, dtype=np.uint16).reshape(180, 240))
    real = Image.fromarray(np.linspace(-5, 9, 400, dtype=np.float32).reshape(20, 20))
    files = {
        "good.jpg": jpeg,
        "good.jpeg": jpeg,
        "upper.JPG": jpeg,
        "progressive.jpg": progressive,
        "good.png": png,
        "good2.gif": gif,
        "good3.bmp": bmp,
        "misnamed.SS2": jpeg,
        "png as.jpg": png,
        "webp as.jpg": webp,
        "tiff as.jpg": tiff,
        "jpeg as.png": jpeg,
        "zero.jpg": b"",
        "zeros.jpg": bytes(5000),
        "text.jpg": b"not a picture\n" * 50,
        "page.jpg": b"<!DOCTYPE html><html><body>404</body></html>",
        "drawing.jpg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "archive.jpg": b"PK\x03\x04" + bytes(range(256)),
        "noise.jpg": np.random.default_rng(0).bytes(4000),
        "header only.jpg": jpeg[:200],
        "marker only.jpg": b"\xff\xd8\xff",
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n" + bytes([200]) * 99,
        "bomb.png": png_header_of(60_000, 60_000),
        "large bomb.png": png_header_of(9_000, 9_000),
        "no rows.png": png[:60],
        "corrupt exif.jpg": encoded(picture, "JPEG", exif=b"Exif\0\0garbage" + bytes([255]) * 40),
        "corrupt icc.jpg": encoded(picture, "JPEG", icc_profile=b"garbage" * 20),
        "cmyk.jpg": encoded(picture.convert("CMYK"), "JPEG"),
        "lab.jpg": encoded(Image.new("LAB", (50, 50), (128, 40, 200)), "TIFF"),
        "grey.jpg": encoded(picture.convert("L"), "JPEG"),
        "one bit.png": encoded(picture.convert("1"), "PNG"),
        "grey alpha.png": encoded(layer.convert("LA"), "PNG"),
        "alpha.png": encoded(layer, "PNG"),
        "deep.png": encoded(deep, "PNG"),
        "real.jpg": encoded(real, "TIFF"),
        "palette.png": encoded(palette, "PNG"),
        "palette clear.png": encoded(palette, "PNG", transparency=3),
        "palette clear.gif": encoded(palette, "GIF", transparency=3),
        "moving.gif": encoded(frames[0], "GIF", **animated),
        "moving.webp": encoded(frames[0], "WEBP", **animated),
        "moving2.png": encoded(frames[0], "PNG", **animated),
        "dot.png": encoded(Image.new("RGB", (1, 1), "red"), "PNG"),
        "line.png": encoded(Image.new("RGB", (20_000, 1), "red"), "PNG"),
        "pole.jpg": encoded(Image.new("RGB", (1, 20_000), "red"), "JPEG"),
        "name with spaces .jpg": jpeg,
        "商品主图.jpg": jpeg,
        "emoji🙂.jpg": jpeg,
        "two\nlines.jpg": jpeg,
        "quote'\".jpg": jpeg,
        "many.dots.in.name.jpg": jpeg,
        ".hidden.jpg": jpeg,
        "notes.txt": b"hello",
        "no suffix": jpeg,
        "sub/folder/nested.jpg": jpeg,
        "sub/good.jpg": png,
    }
    for share in (20, 50, 90):
        for name, content in {"jpg": jpeg, "png": png, "gif": gif, "bmp": bmp, "webp": webp}.items():
            files[f"{name} cut at {share}.{name}"] = content[: len(content) * share // 100]
        files[f"cut progressive {share}.jpg"] = progressive[: len(progressive) * share // 100]
        files[f"cut tiff {share}.jpg"] = tiff[: len(tiff) * share // 100]
    for seed in range(5):
        damaged = bytearray(jpeg)
        for position in np.random.default_rng(seed).integers(150, len(jpeg), 20):
            damaged[position] ^= 0x5A
        files[f"flipped {seed}.jpg"] = bytes(damaged)
    return files


@pytest.fixture
def hostile_folder(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    for name, content in hostile_files().items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "outside.jpg").write_bytes(encoded(photo(), "JPEG"))
    (source / "folder.jpg").mkdir()
    (source / "leaves.jpg").symlink_to(tmp_path / "outside.jpg")
    (source / "dangling.jpg").symlink_to("nowhere.jpg")
    (source / "circle.jpg").symlink_to("circle.jpg")
    (source / "stays.jpg").symlink_to("good.jpg")
    (source / "linked folder").symlink_to(tmp_path)
    os.mkfifo(source / "pipe.jpg")
    (source / os.fsdecode(b"latin\xe9.jpg")).write_bytes(encoded(photo(), "JPEG"))
    return source


SETTINGS = PictureSettings(size=48, max_pixels=50_000_000)


def resize(source: Path, output: Path) -> dict[str, int]:
    return resize_folder(source, output, SETTINGS, processes=2, time_limit=20.0)


def report_of(output: Path) -> dict[str, tuple[str, str]]:
    lines = [json.loads(line) for line in (output / "report.jsonl").read_text("utf-8").splitlines()]
    return {line["file"]: (line["status"], line["reason"]) for line in lines}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_hostile_folder_is_resized_and_every_fault_is_reported(hostile_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    counts = resize(hostile_folder, output)
    report = report_of(output)
    for name in (
        "zero",
        "zeros",
        "text",
        "page",
        "drawing",
        "archive",
        "noise",
        "header only",
        "marker only",
    ):
        assert report[f"{name}.jpg"][0] == "refused"
    for name in ("bomb.png", "large bomb.png"):
        assert "exceeds the limit" in report[name][1]
    for name in (
        "jpg cut at 50.jpg",
        "png cut at 50.png",
        "bmp cut at 50.bmp",
        "gif cut at 90.gif",
        "cut progressive 50.jpg",
    ):
        assert report[name][0] == "repaired", report[name]
    assert report["leaves.jpg"] == ("ignored", "link that leaves the folder")
    assert {report[name][0] for name in ("folder.jpg", "pipe.jpg", ".hidden.jpg", "notes.txt")} == {"ignored"}
    assert report["good.png"] == ("duplicate", "other content as the one kept: good.jpeg")
    assert report["good.jpg"] == ("duplicate", "same content as the one kept: good.jpeg")

    pictures = {path.stem: Image.open(path) for path in output.glob("*.jpg")}
    assert all(picture.mode == "RGB" and picture.size == (48, 48) for picture in pictures.values())
    faultless = set(hostile_files()) - set(report)
    assert {Path(name).stem for name in faultless} <= set(pictures)
    for name in ("cmyk", "lab", "deep", "moving", "line", "商品主图", "two\nlines", "stays", "corrupt icc"):
        assert name in pictures
    assert counts["distinct stems"] == len(pictures) + len(
        {Path(name).stem for name, (status, _) in report.items() if status == "refused"} - set(pictures)
    )
    assert counts["source files"] == 89


def test_a_second_run_changes_nothing(hostile_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    first = resize(hostile_folder, output)
    before = contents(output)
    second = resize(hostile_folder, output)
    assert contents(output) == before
    assert second["pictures written now"] == 0
    assert second["pictures kept from before"] + second["refused"] > first["pictures written now"]


def test_a_killed_run_that_is_run_again_gives_what_an_uninterrupted_one_gives(
    hostile_folder: Path, tmp_path: Path
) -> None:
    for number in range(150):
        (hostile_folder / f"more {number}.jpg").write_bytes(encoded(photo(900 + number, 900), "JPEG"))
    resize(hostile_folder, tmp_path / "whole")
    command = ["-m", "scripts", "data", "resize", hostile_folder, tmp_path / "killed"]
    process = start([*command, "--size", 48, "--max-pixels", 50_000_000, "--processes", 2])
    deadline = time.monotonic() + 30
    while len(list((tmp_path / "killed").glob("*.jpg"))) < 40 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "report.jsonl").exists()
    resize(hostile_folder, tmp_path / "killed")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def crash_on_some(task: ResizeTask) -> ResizeResult:
    if task.names[0] in ("b.jpg", "c.jpeg"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return resize_pictures(task)


def test_a_crashing_file_is_refused_and_the_next_of_its_stem_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpeg", "c.jpg", "d.jpg"):
        (source / name).write_bytes(encoded(photo(), "JPEG"))
    monkeypatch.setattr("tools.preparation.resize_run.resize_pictures", crash_on_some)
    resize(source, tmp_path / "output")
    assert {path.stem for path in (tmp_path / "output").glob("*.jpg")} == {"a", "c", "d"}
    crash = ("refused", "ended its process: signal SIGSEGV")
    assert report_of(tmp_path / "output") == {"b.jpg": crash, "c.jpeg": crash}


def test_an_undamaged_file_is_preferred_to_a_repaired_one_of_the_same_stem(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    gif = encoded(photo(), "GIF")
    (source / "a.gif").write_bytes(gif[: len(gif) // 2])
    (source / "a.jpg").write_bytes(encoded(photo(), "JPEG"))
    resize(source, tmp_path / "output")
    assert report_of(tmp_path / "output") == {"a.gif": ("duplicate", "other content as the one kept: a.jpg")}


def test_pictures_of_other_settings_are_not_mixed(hostile_folder: Path, tmp_path: Path) -> None:
    resize(hostile_folder, tmp_path / "output")
    other = PictureSettings(size=64)
    with pytest.raises(UserError, match="other settings"):
        resize_folder(hostile_folder, tmp_path / "output", other, processes=1, time_limit=20.0)


def test_an_empty_folder_and_an_output_inside_the_source_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match="no picture files"):
        resize(empty, tmp_path / "output")
    with pytest.raises(UserError, match="inside"):
        resize(tmp_path, tmp_path / "output")


def test_a_file_of_the_same_stem_that_comes_later_is_reported(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.jpg").write_bytes(encoded(photo(), "JPEG"))
    resize(source, tmp_path / "output")
    (source / "b").mkdir()
    (source / "b" / "a.jpg").write_bytes(encoded(photo(), "JPEG"))
    counts = resize(source, tmp_path / "output")
    assert counts["duplicate, same content"] == 1


def test_pictures_that_share_one_resized_picture_are_warned_of_with_both_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "7.png").write_bytes(encoded(photo(), "PNG"))
    (source / "7.webp").write_bytes(encoded(photo().rotate(90), "WEBP"))
    (source / "8.png").write_bytes(encoded(photo(), "PNG"))
    (source / "8.PNG").write_bytes(encoded(photo(), "PNG"))
    resize(source, tmp_path / "output")
    warning = capsys.readouterr().err
    assert "warning: 1 files share the stem of another picture, which is read in their place: " in warning
    assert "'7.webp': other content as the one kept: 7.png\n" in warning


def test_avif_and_tiff_are_resized_under_their_own_suffixes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for suffix in ("avif", "tif", "tiff", "jfif"):
        kind = {"avif": "AVIF", "jfif": "JPEG"}.get(suffix, "TIFF")
        (source / f"{suffix}.{suffix}").write_bytes(encoded(photo(), kind))
    (source / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert resize(source, tmp_path / "output")["pictures written now"] == 4
    status, reason = report_of(tmp_path / "output")["phone.heic"]
    assert status == "refused"
    assert "it is HEIC, which is not read; convert it to JPEG" in reason
