import json
import math

import numpy as np
import pytest
from PIL import Image

from data.image_store import ImageFolder
from options.errors import UserError
from tools.study.baselines import baseline_table, colour_histograms, measure_baselines, text_cosines

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
    lines = baseline_table(choices).splitlines()
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


TEXTS = ["云舟水杯k3-7", "云舟  水杯k3-8", "双肩包", ""]


def slow_cosine(one, other, texts):
    def weight(ngram, text):
        count = sum(text.startswith(ngram, i) for i in range(len(text)))
        having = sum(ngram in t for t in texts)
        return count * (math.log((1 + len(texts)) / (1 + having)) + 1)

    ngrams = sorted({t[i : i + n] for t in texts for n in (1, 2, 3) for i in range(len(t) - n + 1)})
    a, b = (np.array([weight(ngram, text) for ngram in ngrams]) for text in (one, other))
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def test_cosines_agree_with_dense_vectors():
    source, target = np.array([0, 0, 1]), np.array([1, 2, 2])
    expected = [slow_cosine(TEXTS[s], TEXTS[t], TEXTS) for s, t in zip(source, target, strict=True)]
    assert text_cosines(TEXTS, source, target) == pytest.approx(expected)


def test_a_text_is_itself_and_an_empty_one_is_like_nothing():
    cosines = text_cosines(TEXTS, np.array([0, 3, 3]), np.array([0, 3, 0]))
    assert cosines == pytest.approx([1, 0, 0])


def test_texts_that_are_all_empty_are_like_nothing():
    assert text_cosines(["", ""], np.array([0]), np.array([1])).tolist() == [0.0]


def save(path, background, middle):
    image = Image.new("RGB", (128, 128), background)
    image.paste(middle, (32, 32, 96, 96))
    image.save(path)


def test_only_the_middle_counts_and_likeness_is_of_colours(tmp_path):
    save(tmp_path / "a.png", (255, 255, 255), (200, 0, 0))
    save(tmp_path / "b.png", (0, 0, 255), (210, 10, 10))
    save(tmp_path / "c.png", (255, 255, 255), (0, 200, 0))
    histograms = colour_histograms(ImageFolder(tmp_path), ["a.png", "b.png", "c.png"])
    cosines = histograms @ histograms.T
    assert np.diag(cosines) == pytest.approx([1, 1, 1])
    assert cosines[0, 1] > 0.9
    assert cosines[0, 2] < 0.2


def test_grey_and_palette_files_are_read(tmp_path):
    Image.new("L", (20, 20), 128).save(tmp_path / "grey.jpg")
    Image.new("P", (20, 20), 3).save(tmp_path / "palette.gif")
    assert colour_histograms(ImageFolder(tmp_path), ["grey.jpg", "palette.gif"]).shape == (2, 64)
