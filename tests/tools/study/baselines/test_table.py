import json

import pytest
from PIL import Image

from options.errors import UserError
from tools.study.baselines.table import format_table, measure_baselines

ITEMS = [("1", "云舟水杯", "red"), ("2", "云舟 水杯", "red"), ("3", "双肩包", "green"), ("4", "雨伞", "blue")]
PAIRS = [("1", "2", "1"), ("1", "3", "0"), ("2", "3", "0"), ("3", "4", "0")]


@pytest.fixture
def files(tmp_path):
    with (tmp_path / "items.jsonl").open("w", encoding="utf-8") as stream:
        for item_id, title, colour in ITEMS:
            line = {"item_id": item_id, "title": title, "cate_name": "", "item_image_name": f"{item_id}.png"}
            stream.write(json.dumps(line) + "\n")
            Image.new("RGB", (8, 8), colour).save(tmp_path / f"{item_id}.png")
    with (tmp_path / "pairs.jsonl").open("w") as stream:
        for source, target, label in PAIRS:
            line = {"src_item_id": source, "tgt_item_id": target, "item_label": label}
            stream.write(json.dumps(line) + "\n")
    return tmp_path


def test_likeness_finds_the_only_positive_pair(files):
    choices = measure_baselines(files / "items.jsonl", files / "pairs.jsonl", files, ["品牌"])
    assert choices["all positive"].f1 == pytest.approx(2 * 0.25 / 1.25)
    assert choices["TF-IDF of the text"].f1 == 1
    assert choices["colour histogram"].f1 == 1


def test_the_table_is_aligned(files):
    choices = measure_baselines(files / "items.jsonl", files / "pairs.jsonl", files, ["品牌"])
    lines = format_table(choices).splitlines()
    assert len(lines) == 4
    assert len(set(map(len, lines))) == 1


def test_images_are_found_as_training_finds_them_and_only_those_of_pairs(files):
    expected = measure_baselines(files / "items.jsonl", files / "pairs.jsonl", files, ["品牌"])
    (files / "2.png").rename(files / "2.jpg")
    with (files / "items.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"item_id": "5", "title": "", "cate_name": "", "item_image_name": "none.jpg"}) + "\n")
    found = measure_baselines(files / "items.jsonl", files / "pairs.jsonl", files, ["品牌"])
    assert found["colour histogram"] == expected["colour histogram"]


def test_a_broken_image_and_a_missing_folder_are_named(files):
    (files / "3.png").write_bytes(b"broken")
    with pytest.raises(UserError, match=r"3\.png: unreadable image"):
        measure_baselines(files / "items.jsonl", files / "pairs.jsonl", files, ["品牌"])
    with pytest.raises(UserError, match="folder of images does not exist"):
        measure_baselines(files / "items.jsonl", files / "pairs.jsonl", files / "none", ["品牌"])


def test_unlabelled_pairs_are_refused(files):
    (files / "pairs.jsonl").write_text('{"src_item_id": "1", "tgt_item_id": "2"}\n')
    with pytest.raises(UserError, match="item_label"):
        measure_baselines(files / "items.jsonl", files / "pairs.jsonl", files, ["品牌"])
