import sys
from pathlib import Path

import pytest

from data.image_pack import STORED, PackReader, Stored
from data.image_store import ImagePack, open_images
from data.item_image import BadImageError
from data.options import ImageOptions
from options.errors import UserError
from tests.command_line import run_command
from tests.endurance.image_mutations import good_images
from tests.tiny_data import write_lines
from tools.preparation import image_packing
from tools.preparation.image_packing import PackedImage, PackReport, PackSettings, pack_images, packed_image

SIZE = 8
GOOD = good_images()["png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.jpg", "b.png", "c.jpg"):
        (folder / name).write_bytes(GOOD)
    (folder / "broken.jpg").write_bytes(GOOD[:-20])
    (folder / "report.jsonl").write_text("{}\n")
    (folder / "sub").mkdir()
    return folder


def pack(
    folder: Path, *items: Path, stored: Stored = "files", follow_links: bool = False
) -> tuple[PackReport, ImagePack]:
    file = folder.parent / "new" / "images.pack"
    report = pack_images(folder, file, items, PackSettings(stored, SIZE, follow_links), processes=2)
    images = open_images(file, ImageOptions(size=SIZE))
    assert isinstance(images, ImagePack)
    return report, images


def item_file(folder: Path, *names: str) -> Path:
    lines = [{"item_id": str(number), "item_image_name": name} for number, name in enumerate(names)]
    return write_lines(folder.parent / f"items {len(names)}.jsonl", lines)


@pytest.mark.parametrize("stored", STORED)
def test_all_image_files_are_packed_and_unreadable_ones_reported(folder: Path, stored: Stored) -> None:
    report, images = pack(folder, stored=stored)
    assert (report.num_images, report.faults) == (3, {"broken.jpg": "it is cut off"})
    assert report.num_bytes == images.path.stat().st_size
    assert len(images.pack) == 4
    assert images.pack.find("report.jsonl") is None
    assert [file.name for file in images.path.parent.iterdir()] == ["images.pack"]


@pytest.mark.parametrize("stored", STORED)
def test_of_item_files_each_image_is_packed_once_and_missing_ones_are_reported(folder: Path, stored: Stored) -> None:
    files = item_file(folder, "a.gif", "a.jpg", "a.SS2"), item_file(folder, "b.png", "missing.png")
    report, images = pack(folder, *files, stored=stored)
    assert (report.num_images, report.faults) == (2, {"missing.png": "No such file or directory"})
    assert len(images.pack) == 2
    with pytest.raises(BadImageError, match=r"missing\.png: unreadable image: it is not in the pack"):
        images.read("missing.png", SIZE)


@pytest.mark.parametrize("follows", [True, False])
def test_links_out_of_the_folder_are_packed_only_if_that_is_wanted(folder: Path, follows: bool) -> None:
    (folder.parent / "elsewhere").write_bytes(GOOD)
    (folder / "link.png").symlink_to(folder.parent / "elsewhere")
    (folder / "to nothing.png").symlink_to("nowhere")
    report, images = pack(folder, follow_links=follows)
    assert ("link.png" in report.faults) == (not follows)
    assert images.pack.find("to nothing.png") is None
    if follows:
        assert images.content("link.png") == GOOD
    else:
        with pytest.raises(BadImageError, match="pack it with --follow-links"):
            images.read("link.png", SIZE)


def crashing(folder: Path, settings: PackSettings, name: str) -> PackedImage:
    if name == "b.png":
        sys.exit(3)
    return packed_image(folder, settings, name)


def test_an_image_that_kills_its_decoder_costs_itself_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_packing, "packed_image", crashing)
    report, images = pack(folder)
    assert report.faults["b.png"] == "ended its process: exit status 3"
    with pytest.raises(BadImageError, match=r"b\.png: unreadable image: ended its process"):
        images.read("b.png", SIZE)
    assert images.content("c.jpg") == GOOD


def test_a_failure_leaves_the_pack_of_before_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, images = pack(folder)
    before = images.path.read_bytes()

    def full(writer: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("data.image_pack.PackWriter.finish", full)
    with pytest.raises(UserError, match=r"images\.pack: cannot be written: No space left on device"):
        pack(folder)
    assert images.path.read_bytes() == before
    assert [file.name for file in images.path.parent.iterdir()] == ["images.pack"]


def test_an_older_pack_is_replaced(folder: Path) -> None:
    pack(folder)
    (folder / "new.png").write_bytes(GOOD)
    assert pack(folder)[1].content("new.png") == GOOD


@pytest.mark.parametrize(
    ("images", "output", "message"),
    [("images", "images/a.pack", "lies inside the folder of images"), ("images", "items", "is there and is no pack"),
     ("images", "other", "is there and is no pack"), ("nowhere", "a.pack", "nowhere: no such folder of images"),
     ("other", "a.pack", "other: no files in it")],
)  # fmt: skip
def test_places_that_will_not_do_are_refused(folder: Path, images: str, output: str, message: str) -> None:
    place = folder.parent
    (place / "other").mkdir()
    (place / "items").write_text("precious")
    with pytest.raises(UserError, match=message):
        pack_images(place / images, place / output, [], PackSettings("files", SIZE, False), processes=1)
    assert (place / "items").read_text() == "precious"


def test_the_command_prints_counts_and_what_cannot_be_read(folder: Path) -> None:
    (folder / "\x1b[31m.jpg").write_bytes(b"")
    output = folder.parent / "pixels.pack"
    ended = run_command("data", "pack", folder, output, "--as", "pixels", "--size", 5, "--workers", 1)
    lines = ended.stdout.splitlines()
    assert [line.split()[-1] for line in lines[:2]] == ["3", "2"]
    assert lines[3:] == ["\\x1b[31m.jpg: it is empty", "broken.jpg: it is cut off"]
    header = PackReader(output).header
    assert (header.stored, header.size, header.num_images) == ("pixels", 5, 5)
