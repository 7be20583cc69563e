import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from data.loading import load_split
from data.options import DataOptions, ImageOptions, Modalities, SplitOptions
from data.split_digest import file_digests, split_digests

BOTH = Modalities(text=False, image=True)


@pytest.fixture
def files(tiny_dataset: Path, tmp_path: Path) -> SplitOptions:
    """The validation files, to be changed."""
    shutil.copytree(tiny_dataset / "images", tmp_path / "images")
    items, pairs = (shutil.copy(tiny_dataset / f"item_val_{kind}.jsonl", tmp_path) for kind in ("info", "pair"))
    return SplitOptions(items=Path(items), pairs=Path(pairs), images=tmp_path / "images")


def change_line(file: Path, key: str, value: str) -> None:
    first, *others = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text(json.dumps({**json.loads(first), key: value}) + "\n" + "".join(others), encoding="utf-8")


def digests(files: SplitOptions) -> dict[str, str]:
    return file_digests(files, ImageOptions(size=32))


def test_a_split_that_was_read_has_the_digests_of_its_files(files: SplitOptions) -> None:
    data = DataOptions(val=files, image=ImageOptions(size=32))
    assert split_digests(load_split(files, data, BOTH, labelled=True)) == digests(files)
    assert set(digests(files)) == {"pairs", "items", "images"}
    assert set(file_digests(files, None)) == {"pairs", "items"}


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("pairs", lambda files: change_line(files.pairs, "item_label", "0")),
        ("items", lambda files: change_line(files.items, "title", "another")),
        ("items", lambda files: change_line(files.items, "cate_name", "another")),
        ("images", lambda files: shutil.copy(files.images / "val2.gif", files.images / "val0.jpg")),
        ("images", lambda files: (files.images / "val1.png").unlink()),
    ],
)
def test_what_is_changed_under_the_same_name_has_another_digest(
    files: SplitOptions, what: str, change: Callable[[SplitOptions], object]
) -> None:
    before = digests(files)
    change(files)
    after = digests(files)
    assert [name for name in before if before[name] != after[name]] == [what]


def test_pictures_of_the_same_size_and_time_are_told_apart(files: SplitOptions) -> None:
    before, file = digests(files), files.images / "val0.jpg"
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=times)
    assert digests(files)["images"] != before["images"]


def test_what_is_not_of_the_pairs_and_where_it_lies_is_of_no_account(files: SplitOptions, tmp_path: Path) -> None:
    before = digests(files)
    with files.items.open("a", encoding="utf-8") as stream:
        stream.write('{"item_id": "unpaired", "item_image_name": "none.jpg"}\n')
    moved = files.images.rename(tmp_path / "moved")
    assert digests(files.model_copy(update={"images": moved})) == before
