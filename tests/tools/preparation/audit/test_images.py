import os
import time
from pathlib import Path

import pytest
from PIL import Image

from data.image_bytes import SUFFIXES
from data.item_image import MAX_PIXELS, read_image
from data.options import ImageOptions
from options.errors import UserError
from tests.tools.preparation.audit.clean_data import noise_picture
from tools.preparation.audit import images as audited_images
from tools.preparation.audit.images import (
    ImageFacts,
    image_remarks,
    read_facts,
    read_images,
)

SIZE = 16


def facts_of(file: Path) -> ImageFacts:
    return read_facts(ImageOptions(size=SIZE), (str(file.parent), file.name))


@pytest.mark.parametrize(
    ("image_format", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("GIF", "P"),
     ("BMP", "RGB"), ("WEBP", "RGB"), ("TIFF", "F"), ("TIFF", "RGB")],
)  # fmt: skip
def test_an_image_is_described(tmp_path: Path, image_format: str, mode: str) -> None:
    file = tmp_path / "a.jpg"
    picture = noise_picture(0, 40, 30)
    picture = picture.convert("L").convert(mode) if mode in ("F", "I;16") else picture.convert(mode)
    picture.save(file, image_format)
    facts = facts_of(file)
    assert (facts.format, facts.mode, facts.width, facts.height) == (image_format, mode, 40, 30)
    assert (facts.fault, facts.reason, facts.is_one_colour) == ("", "", False)
    assert facts.num_bytes == file.stat().st_size
    assert len(facts.digest) == 16


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_one_colour_is_told_from_nearly_one(tmp_path: Path, image_format: str) -> None:
    picture = Image.new("RGB", (SIZE, SIZE), (200, 200, 200))
    picture.save(tmp_path / "plain", image_format)
    picture.paste((0, 0, 0), (0, 0, 8, 8))
    picture.save(tmp_path / "other", image_format)
    assert facts_of(tmp_path / "plain").is_one_colour
    assert not facts_of(tmp_path / "other").is_one_colour


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9])
def test_a_cut_image_is_broken_exactly_where_training_refuses_it(
    tmp_path: Path, image_format: str, share: float
) -> None:
    file = tmp_path / "a.img"
    noise_picture(0, 40, 30).save(file, image_format)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    try:
        read_image(file, SIZE)
        expected = ""
    except UserError:
        expected = "image-broken"
    facts = facts_of(file)
    assert facts.fault == expected
    assert bool(facts.reason) == bool(expected)
    assert str(file) not in facts.reason


def test_the_prepared_image_is_looked_at_where_the_named_one_is_missing(tmp_path: Path) -> None:
    noise_picture(0, 40, 30).save(tmp_path / "a.jpg")
    facts = facts_of(tmp_path / "a.SS2")
    assert (facts.file, facts.fault) == (str(tmp_path / "a.jpg"), "")
    assert facts_of(tmp_path / "b.SS2").fault == facts_of(tmp_path / ("花" * 85)).fault == "image-missing"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\xff\n" + bytes(40), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isommp42", "a video"),
        (b"%PDF-1.7", "PDF"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html>", "an HTML page"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    facts = facts_of(tmp_path / "a.jpg")
    assert facts.fault == "image-unsupported"
    assert f"is {name}, which is not read; convert it to JPEG, PNG, GIF, BMP, WEBP, TIFF or AVIF" in facts.reason


def test_a_huge_image_is_told_from_its_header_alone(tmp_path: Path) -> None:
    Image.new("1", (MAX_PIXELS // 10_000 + 1, 10_000)).save(tmp_path / "b.png")
    assert facts_of(tmp_path / "b.png").fault == "image-too-large"


def test_decoders_write_nothing_to_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "\x1b[31m.tif"
    noise_picture(0, 40, 30).save(file, "TIFF", compression="tiff_lzw")
    content = bytearray(file.read_bytes())
    content[200:1500] = bytes(1300)
    file.write_bytes(content)
    facts_of(file)
    assert capfd.readouterr() == ("", "")


def fragile(options: ImageOptions, image: tuple[str, str]) -> ImageFacts:
    if image[1] == "kills":
        os.kill(os.getpid(), 9)
    if image[1] == "hangs":
        time.sleep(60)
    return read_facts(options, image)


def test_each_image_is_read_once_whatever_becomes_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audited_images, "read_facts", fragile)
    noise_picture(0, 40, 30).save(tmp_path / "a.png")
    folder = str(tmp_path)
    names = [(folder, name) for name in ("a.png", "kills", "hangs", "missing", "a.png")]
    images = read_images(names, ImageOptions(size=16), processes=2, time_limit=1.0)
    assert {name: facts.fault for (_, name), facts in images.items()} == {
        "a.png": "", "kills": "image-broken", "hangs": "image-broken", "missing": "image-missing",
    }  # fmt: skip
    assert images[folder, "kills"].reason == "cannot be decoded: ended its process: signal SIGKILL"
    assert "took longer than 1 s" in images[folder, "hangs"].reason


def test_no_images_start_no_process() -> None:
    assert read_images([], ImageOptions(), processes=2, time_limit=1.0) == {}


def kinds(file: str = "a.jpg", image_format: str = "JPEG", width: int = 100, height: int = 100) -> list[str]:
    facts = ImageFacts(file, b"digest", 1, image_format, "RGB", width, height)
    return [kind for kind, _ in image_remarks(facts)]


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (16, 16, []),
        (15, 16, ["image-tiny"]),
        (16, 128, []),
        (129, 16, ["image-narrow"]),
        (4, 40, ["image-tiny", "image-narrow"]),
        (5000, 4000, []),
        (5000, 4001, ["image-large"]),
    ],
)
def test_the_bounds_of_an_extent_are_still_ordinary(width: int, height: int, expected: list[str]) -> None:
    assert kinds(width=width, height=height) == expected


@pytest.mark.parametrize(("image_format", "suffixes"), SUFFIXES.items())
def test_suffixes_of_a_format_fit_in_any_case_of_letters(image_format: str, suffixes: tuple[str, ...]) -> None:
    for suffix in suffixes:
        assert kinds(f"a{suffix.upper()}", image_format) == []
    assert kinds("a.SS2", image_format) == kinds("a", image_format) == ["image-suffix"]


def test_an_unreadable_image_is_that_alone() -> None:
    facts = ImageFacts("a.tif", fault="image-broken", reason="is empty")
    assert list(image_remarks(facts)) == [("image-broken", "is empty")]
