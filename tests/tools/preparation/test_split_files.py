import json
from pathlib import Path

import pytest
from PIL import Image

from options.errors import UserError
from tests.tiny_data import write_lines
from tools.preparation.split_files import SplitReport, Way, split_pair_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write 40 items in 10 groups of 4, and 20 pairs within groups."""
    (tmp_path / "images").mkdir()
    items, pairs = [], []
    for number in range(40):
        group = number // 4
        image = Image.new("RGB", (4, 4), (5 * number, 0, 0) if number not in (0, 39) else "white")
        image.save(tmp_path / "images" / f"{number}.jpg", "PNG")
        title = "Same Title" if number in (1, 38) else f"title {number}"
        item = {"item_id": str(number), "title": title.upper() if number == 38 else title}
        items.append({**item, "item_image_name": f"{number}.png", "cate_name": f"c{group % 2}"})
        if number % 2:
            pair = {"item_label": str(group % 2), "src_item_id": str(number), "tgt_item_id": str(number - 1)}
            pairs.append(json.dumps(pair, indent=None, separators=(" ,", " : ")))
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (tmp_path / "pairs.jsonl").write_text("\n\n".join(pairs))
    return tmp_path


def test_lines_keep_their_bytes_and_order_and_none_is_lost(folder: Path) -> None:
    report = split_pair_file(
        folder / "items.jsonl", folder / "pairs.jsonl", folder / "out", None, way="components", ratio=4.0, seed=0
    )
    whole = (folder / "pairs.jsonl").read_bytes().split(b"\n\n")
    train, val = ((folder / "out" / f"pair_{side}.jsonl").read_bytes().splitlines() for side in ("train", "val"))
    assert len(val) == report.split.val.sum() == 4
    assert [line for line in whole if line in train] == train
    assert [line for line in whole if line in val] == val
    assert sorted(train + val) == sorted(whole)
    assert report.num_same_image is None


@pytest.mark.parametrize("way", ["components", "drop-seen"])
def test_one_listing_under_two_ids_stays_on_one_side(tmp_path: Path, way: Way) -> None:
    items = [{"item_id": str(n), "title": f"{n // 4}", "item_image_name": f"{n // 4}.jpg"} for n in range(80)]
    pairs = [{"src_item_id": str(n), "tgt_item_id": str(n + 1), "item_label": str(n // 2 % 2)} for n in range(0, 80, 2)]
    write_lines(tmp_path / "items.jsonl", items)
    write_lines(tmp_path / "pairs.jsonl", pairs)
    split_pair_file(
        tmp_path / "items.jsonl", tmp_path / "pairs.jsonl", tmp_path / "out", None, way=way, ratio=2.0, seed=0
    )
    train, val = (
        {int(json.loads(line)["src_item_id"]) // 4 for line in (tmp_path / f"out/pair_{side}.jsonl").open()}
        for side in ("train", "val")
    )
    assert train
    assert val
    assert not train & val


def split_in_halves(folder: Path, seed: int = 0) -> SplitReport:
    files = (folder / name for name in ("items.jsonl", "pairs.jsonl", "out", "images"))
    return split_pair_file(*files, way="components", ratio=1.0, seed=seed)


@pytest.mark.parametrize("seed", range(6))
def test_validation_items_that_look_like_training_items_are_counted(folder: Path, seed: int) -> None:
    report = split_in_halves(folder, seed)
    val = (folder / "out" / "pair_val.jsonl").read_text()
    # Items 1 and 38 share their text, 0 and 39 their image; their pairs are (1, 0) and (39, 38).
    apart = ('"src_item_id" : "1"' in val) != ('"src_item_id" : "39"' in val)
    assert report.num_same_text == report.num_same_image == int(apart)
    assert report.num_images_missing == 0


@pytest.mark.parametrize("name", ["pair_train.jsonl", "pair_val.jsonl"])
@pytest.mark.parametrize("linked", [False, True])
def test_a_pair_file_that_its_own_parts_would_replace_is_refused(folder: Path, name: str, linked: bool) -> None:
    content = (folder / "pairs.jsonl").read_bytes()
    if linked:
        (folder / name).symlink_to("pairs.jsonl")
    else:
        (folder / "pairs.jsonl").rename(folder / name)
    pairs = folder / ("pairs.jsonl" if linked else name)
    before = sorted(folder.iterdir())
    with pytest.raises(UserError, match="would be replaced by a part of itself"):
        split_pair_file(folder / "items.jsonl", pairs, folder, None, way="components", ratio=4.0, seed=0)
    assert sorted(folder.iterdir()) == before
    assert pairs.read_bytes() == content


def test_images_that_are_links_out_of_their_folder_are_looked_at(folder: Path) -> None:
    (folder / "images").rename(folder / "elsewhere")
    (folder / "images").mkdir()
    for file in (folder / "elsewhere").iterdir():
        (folder / "images" / file.name).symlink_to(file)
    report = split_in_halves(folder)
    assert report.num_images_missing == 0


def test_nothing_is_written_where_there_are_no_images(folder: Path) -> None:
    with pytest.raises(UserError, match="folder of images does not exist"):
        split_pair_file(
            folder / "items.jsonl",
            folder / "pairs.jsonl",
            folder / "out",
            folder / "none",
            way="components",
            ratio=4.0,
            seed=0,
        )
    assert not (folder / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    (folder / "out").write_text("a file in place of the folder")
    with pytest.raises(UserError, match=r"pair_train\.jsonl: cannot be written"):
        split_pair_file(
            folder / "items.jsonl", folder / "pairs.jsonl", folder / "out", None, way="components", ratio=4.0, seed=0
        )


def test_unlabelled_pairs_and_empty_sides_are_refused(folder: Path) -> None:
    pairs = folder / "pairs.jsonl"
    pairs.write_text(pairs.read_text().splitlines()[0])
    with pytest.raises(UserError, match="one side of the split is empty"):
        split_pair_file(folder / "items.jsonl", pairs, folder, None, way="components", ratio=5.6, seed=0)
    pairs.write_text('{"src_item_id": "0", "tgt_item_id": "1"}')
    with pytest.raises(UserError, match="item_label"):
        split_pair_file(folder / "items.jsonl", pairs, folder, None, way="components", ratio=5.6, seed=0)
