from pathlib import Path

import pytest
from PIL import Image

from data.item_image import MAX_PIXELS, read_image
from options.errors import UserError
from tests.tools.preparation.audit.clean_data import noise_picture
from tools.preparation.audit.image_file import FOREIGN_FORMATS, ImageFacts, ImageTask, read_facts

SIZE = 16


def facts_of(file: Path) -> ImageFacts:
    return read_facts(ImageTask(str(file.parent), file.name, SIZE))


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


@pytest.mark.parametrize("name", FOREIGN_FORMATS)
def test_another_kind_of_file_is_named(tmp_path: Path, name: str) -> None:
    at, sign = FOREIGN_FORMATS[name]
    (tmp_path / "a.jpg").write_bytes(bytes(at) + sign + bytes(40))
    facts = facts_of(tmp_path / "a.jpg")
    assert facts.fault == "image-unsupported"
    assert f"is {name}, not one of JPEG, PNG" in facts.reason


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
