from pathlib import Path

import pytest

from data.image_pack import PackWriter
from data.image_store import GivenImages, ImageFolder, ImageSource, open_images
from data.options import ImageOptions
from data.stand_ins import NUM_NAMED, stand_in_warnings, stand_ins

FILES = ("iphone-12.jpg", "7.jpg", "9.png", "sofa.jpg", "b.SS2")


@pytest.fixture(params=["folder", "pack"])
def images(request: pytest.FixtureRequest, tmp_path: Path) -> ImageSource:
    for name in FILES:
        (tmp_path / name).touch()
    if request.param == "folder":
        return ImageFolder(tmp_path)
    with (tmp_path / "p.pack").open("wb") as stream:
        writer = PackWriter(stream, "files", 0)
        for name in FILES:
            writer.add(name, b"")
        writer.finish()
    return open_images(tmp_path / "p.pack", ImageOptions())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["iphone-12.5"], {"iphone-12.jpg": ["iphone-12.5"]}),
        (["iphone-12.5", "iphone-12.jpg"], {"iphone-12.jpg": ["iphone-12.5", "iphone-12.jpg"]}),
        (["7.webp", "7.png", "7.webp"], {"7.jpg": ["7.png", "7.webp"]}),
        (["7.jpg", "7.png"], {"7.jpg": ["7.jpg", "7.png"]}),
        (["sofa"], {"sofa.jpg": ["sofa"]}),
        # Its own file, a resized picture, a file that is there, nothing at all.
        (["sofa.SS2"], {}),
        (["sofa.jpg", "7.PNG", "b.SS2"], {}),
        (["9.png", "9.webp"], {}),
        (["none.5", "none.png", "none.webp"], {}),
    ],
)
def test_files_that_are_read_under_names_of_other_pictures_are_told(
    images: ImageSource, names: list[str], expected: dict[str, list[str]]
) -> None:
    assert stand_ins(names, images) == expected


def test_a_warning_counts_them_and_names_the_first(images: ImageSource) -> None:
    (warning,) = stand_in_warnings(["iphone-12.5", "7.webp", "7.png"], images)
    assert "2 files are read under names that may be of other pictures: " in warning
    assert "'7.png' and '7.webp' from '7.jpg', 'iphone-12.5' from 'iphone-12.jpg'. " in warning
    assert stand_in_warnings(["sofa.jpg"], images) == stand_in_warnings(["a.5"], GivenImages({})) == []


def test_a_warning_does_not_grow_with_their_number(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.jpg").touch()
    (warning,) = stand_in_warnings([f"{number}.5" for number in range(30)], ImageFolder(tmp_path))
    assert "30 files" in warning
    assert f"and {30 - NUM_NAMED} more" in warning
    assert warning.count(" from ") == NUM_NAMED
