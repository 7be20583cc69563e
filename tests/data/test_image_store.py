import os
import re
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image

from data.image_pack import STORED, PackError, Stored
from data.image_store import GivenImages, ImageFolder, ImagePack, ImageSource, open_images
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_image import BadImageError, MissingImageError
from data.item_tensors import ItemTensors
from data.loading import item_batches
from data.options import ImageOptions, PictureRules
from options.errors import UserError
from tests.colour_profiles import DISPLAY_P3, display_p3, in_srgb
from tests.endurance.image_mutations import good_images, mutated_image, other_images
from tools.preparation.image_packing import PackSettings, pack_images

SIZE = 24
NAMES = ["花瓶 🏺.jpg", "a'b\".png", "e\u0301.jpg", "\u00e9.jpg", "x" * 255, "-.jpg", "a.", ".hidden", "no suffix"]


def packed(folder: Path, stored: Stored, size: int = SIZE) -> ImagePack:
    file = folder.with_name(f"{folder.name}-{stored}.pack")
    pack_images(folder, file, [], PackSettings(stored, size, follow_links=False), processes=1)
    images = open_images(file, ImageOptions(size=size))
    assert isinstance(images, ImagePack)
    return images


def answer(images: ImageSource, name: str, size: int = SIZE) -> NDArray[np.uint8] | str:
    """The picture, or the reason for which there is none."""
    try:
        return images.read(name, size)
    except BadImageError as error:
        return error.reason if str(images.path) in str(error) else f"without its place: {error}"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images of every stored, good ones, damaged ones and what is no image."""
    folder = tmp_path_factory.mktemp("hostile") / "images"
    folder.mkdir()
    files = {f"{stored}.jpg": content for stored, content in {**good_images(), **other_images()}.items()}
    files |= {mutated.name: mutated.content for mutated in map(mutated_image, range(105))}
    files |= dict.fromkeys(NAMES, good_images()["png"])
    for name, content in {**files, "empty.jpg": b""}.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("stored", STORED)
def test_a_pack_gives_the_pictures_and_the_reasons_of_its_folder(hostile: Path, stored: Stored) -> None:
    folder, pack = ImageFolder(hostile), packed(hostile, stored)
    num_read = 0
    names = sorted(file.name for file in hostile.iterdir())
    for name in names:
        expected, got = answer(folder, name), answer(pack, name)
        if isinstance(expected, str):
            assert got == expected
        else:
            num_read += 1
            np.testing.assert_array_equal(got, expected)
            assert isinstance(got, np.ndarray)
            assert (got.dtype, got.shape) == (np.uint8, (SIZE, SIZE, 3))
    assert 50 < num_read < len(names) - 50


def test_image_files_are_kept_byte_for_byte(hostile: Path) -> None:
    pack = packed(hostile, "files")
    for file in hostile.iterdir():
        assert pack.content(file.name) == file.read_bytes()


@pytest.mark.parametrize("stored", STORED)
def test_names_are_found_as_in_the_folder(tmp_path: Path, stored: Stored) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, name in enumerate(("both.png", "both.jpg", "made.jpg", "e\u0301.jpg", "..jpg")):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(folder / name, "PNG")
    pack = packed(folder, stored, 4)
    for name in ("both.png", "both.jpg", "both.SS2", "made.SS2", "made", "made.x.png", "e\u0301.png", "\u00e9.png"):
        expected, got = answer(ImageFolder(folder), name, 4), answer(pack, name, 4)
        assert isinstance(expected, str) == isinstance(got, str), name
        if isinstance(got, np.ndarray):
            np.testing.assert_array_equal(got, expected)
    with pytest.raises(BadImageError, match=r"\.pack/missing\.gif: unreadable image: it is not in the pack"):
        pack.read("missing.gif", 4)


def test_pixels_are_given_at_another_size_too_as_the_error_view_asks(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (SIZE, SIZE), (200, 10, 30)).save(folder / "a.png")
    assert (packed(folder, "pixels").read("a.png", 10) == (200, 10, 30)).all()


def test_pixels_that_were_read_by_other_rules_are_refused_and_files_are_read_by_any(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    Image.fromarray(noise).save(folder / "a.png", exif=exif, icc_profile=display_p3())
    rules = PictureRules(upright=True, color_profile="srgb")
    for stored in STORED:
        settings = PackSettings(stored, SIZE, follow_links=False, rules=rules)
        pack_images(folder, tmp_path / f"{stored}.pack", [], settings, processes=1)
    wanted = ImageOptions(size=SIZE, upright=True, color_profile="srgb")
    expected = in_srgb(noise[::-1, ::-1] / 255, matrix=DISPLAY_P3)
    for place in (folder, tmp_path / "files.pack", tmp_path / "pixels.pack"):
        assert np.abs(open_images(place, wanted).read("a.png", SIZE).astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(open_images(tmp_path / "files.pack", ImageOptions()).read("a.png", SIZE), noise)
    for other, message in (
        (
            {"color_profile": "srgb"},
            r"upright true, but data\.image\.upright is false; set .*upright=true, .*--no-upright",
        ),
        ({"upright": True}, r"color_profile srgb, but data\.image\.color_profile is keep.*--color-profile keep"),
    ):
        with pytest.raises(UserError, match=message):
            open_images(
                tmp_path / "pixels.pack", wanted.model_copy(update={"upright": False, "color_profile": "keep"} | other)
            )


def test_a_pack_that_was_made_before_there_were_rules_holds_pixels_as_stored(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (SIZE, SIZE), "red").save(folder / "a.png")
    content = packed(folder, "pixels").path.read_bytes()
    assert content[14:16] == b"\0\0"  # the bytes that headers had for padding


def test_pixels_of_another_size_are_refused_with_both_sizes(hostile: Path) -> None:
    pack = packed(hostile, "pixels")
    with pytest.raises(UserError, match=r"holds pixels of size 24, but data\.image\.size is 32.*image\.size=24"):
        open_images(pack.path, ImageOptions(size=32))
    open_images(packed(hostile, "files").path, ImageOptions(size=32))


@pytest.mark.parametrize(
    ("name", "message"),
    [("images", "images: the folder of images does not exist"), ("a.pack", "run.sh data pack makes it"),
     ("text", "text: is no pack of images"), ("pipe", "pipe: is neither a folder of images nor a pack")],
)  # fmt: skip
def test_what_is_neither_folder_nor_pack_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "text").write_text("no pack")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match=message):
        open_images(tmp_path / name, ImageOptions())


def test_links_are_followed_where_the_folder_is_opened_so(tmp_path: Path) -> None:
    assert open_images(tmp_path, ImageOptions(follow_links=True)) == ImageFolder(tmp_path, follow_links=True)


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("workers", [0, 2])
def test_loader_processes_make_the_batches_of_the_folder(hostile: Path, stored: Stored, workers: int) -> None:
    names = sorted(file.name for file in hostile.iterdir())
    catalog = ItemCatalog([Item(name, "", {}, "", name) for name in names])
    options = ImageOptions(size=SIZE, on_bad_image="blank")
    rows = [list(range(start, min(start + 16, len(names)))) for start in range(0, len(names), 16)]
    folder = ItemTensors(catalog, None, ImageFolder(hostile), options)
    pack = ItemTensors(catalog, None, packed(hostile, stored), options)
    for numbers, batch in zip(rows, item_batches(pack, rows, workers, pin=False), strict=True):
        expected = folder.batch(numbers)
        assert torch.equal(batch.images, expected.images)
        assert torch.equal(batch.blank_image, expected.blank_image)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_cut_pack_ends_loading_with_its_name_though_bad_images_are_replaced(
    hostile: Path, tmp_path: Path, workers: int
) -> None:
    shutil.copytree(hostile, tmp_path / "images")
    pack = packed(tmp_path / "images", "files")
    options = ImageOptions(size=SIZE, on_bad_image="blank")
    items = ItemTensors(ItemCatalog([Item("a", "", {}, "", "png.jpg")]), None, pack, options)
    os.truncate(pack.path, 100)
    with pytest.raises(UserError, match=re.escape(f"{pack.path}: the pack of images was cut off while it was in use")):
        next(item_batches(items, [[0]], workers, pin=False))
    with pytest.raises(PackError, match="is cut off: 100 bytes instead of"):
        open_images(pack.path, options)


def test_the_newest_image_of_a_pack_is_the_pack(hostile: Path) -> None:
    pack = packed(hostile, "files")
    assert pack.newest(["png.jpg"]) == pack.path.stat().st_ctime_ns
    assert pack.newest([]) == ImageFolder(hostile).newest([]) == 0


def png(size: tuple[int, int]) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, (10, 20, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def test_pixels_are_found_by_their_name() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    images = GivenImages({"a": picture})
    assert images.read("a", 2) is picture
    assert images.content("a") == bytes(12)
    with pytest.raises(MissingImageError):
        images.read("b", 2)


def test_a_path_bytes_and_an_opened_image_give_the_same_pixels(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(png((9, 7)))
    images = GivenImages({"path": file, "text": str(file), "bytes": png((9, 7)), "image": Image.open(file)})
    for name in images.pictures:
        assert images.read(name, 4).shape == (4, 4, 3)
        assert (images.read(name, 4) == [10, 20, 30]).all()
    assert images.content("path") == images.content("bytes") == png((9, 7))


def test_bytes_of_a_damaged_file_are_refused_by_name() -> None:
    for broken in (b"", b"<svg/>", png((9, 7))[:-20]):
        with pytest.raises(BadImageError, match=r"x\.png"):
            GivenImages({"x.png": broken}).read("x.png", 4)
