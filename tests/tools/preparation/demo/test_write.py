import json
from dataclasses import replace

import pytest
from PIL import Image
from transformers import AutoTokenizer

from options.errors import UserError
from tools.preparation.demo import write
from tools.preparation.demo.catalogue import DemoSettings
from tools.preparation.demo.write import make_vocabulary, write_demo_data, write_tokenizer

SPLITS = ("train", "val", "test")
TEXTS = ["【热卖】云舟 Yunzhou Ｋ3-7 水杯;K3-7;500ml"] * 20 + ["尺码XL"] * 20 + ["Rare"]


def lines(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "demo"
    return DemoSettings(out=out, items=200, image_size=32, val_fraction=0.2, test_fraction=0.2)


@pytest.fixture(scope="module")
def folder(settings):
    write_demo_data(settings)
    return settings.out


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_equal_settings_give_equal_files_whatever_the_processes(folder, settings, tmp_path):
    write_demo_data(replace(settings, out=tmp_path / "again", processes=2))
    assert contents(tmp_path / "again") == contents(folder)


def test_another_seed_gives_other_items(folder, settings, tmp_path):
    write_demo_data(replace(settings, out=tmp_path / "other", items=30, seed=1))
    ids = {item["item_id"] for item in lines(tmp_path / "other" / "products.jsonl")}
    assert not ids & {item["item_id"] for item in lines(folder / "products.jsonl")}


def test_labels_are_the_truth_about_products(folder):
    truth = {line["item_id"]: line["product"] for line in lines(folder / "products.jsonl")}
    for split in SPLITS:
        for pair in lines(folder / f"item_{split}_pair.jsonl"):
            same = truth[pair["src_item_id"]] == truth[pair["tgt_item_id"]]
            assert pair["item_label"] == str(int(same))


def test_no_family_and_no_item_crosses_splits(folder):
    family = {line["item_id"]: line["family"] for line in lines(folder / "products.jsonl")}
    seen = []
    for split in SPLITS:
        ids = [item["item_id"] for item in lines(folder / f"item_{split}_info.jsonl")]
        assert len(ids) == len(set(ids)) > 0
        seen.append({family[item_id] for item_id in ids})
        for pair in lines(folder / f"item_{split}_pair.jsonl"):
            assert {pair["src_item_id"], pair["tgt_item_id"]} <= set(ids)
    assert len(set().union(*seen)) == sum(map(len, seen))


def test_the_lines_of_the_kinds_belong_to_the_pairs(folder):
    for split in SPLITS:
        pairs = lines(folder / f"item_{split}_pair.jsonl")
        kinds = lines(folder / f"item_{split}_pair_kind.jsonl")
        assert [(p["src_item_id"], p["tgt_item_id"]) for p in pairs] == [
            (k["src_item_id"], k["tgt_item_id"]) for k in kinds
        ]
        assert [p["item_label"] == "1" for p in pairs] == [k["kind"] == "positive" for k in kinds]


def test_every_item_has_a_readable_image_of_the_size(folder):
    for split in SPLITS:
        for item in lines(folder / f"item_{split}_info.jsonl"):
            with Image.open(folder / "item_images" / item["item_image_name"]) as image:
                image.load()
                assert image.size == (32, 32)


def test_the_tokenizer_knows_the_training_titles(folder):
    tokenizer = AutoTokenizer.from_pretrained(str(folder / "tokenizer"))
    for item in lines(folder / "item_train_info.jsonl"):
        if item["title"].isprintable() and not any("！" <= c <= "～" for c in item["title"]):
            assert tokenizer.unk_token_id not in tokenizer(item["title"])["input_ids"]


def test_a_failure_leaves_nothing_behind(settings, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(write, "write_tokenizer", fail)
    with pytest.raises(UserError, match="demo: cannot be written: disk full"):
        write_demo_data(replace(settings, out=tmp_path / "demo", items=30))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_not_replaced(settings, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="no demo catalogue"):
        write_demo_data(replace(settings, out=tmp_path))
    assert (tmp_path / "thesis.txt").exists()


@pytest.fixture
def tokenizer(tmp_path):
    write_tokenizer(make_vocabulary(TEXTS), tmp_path / "tokenizer")
    return AutoTokenizer.from_pretrained(str(tmp_path / "tokenizer"))


def test_transformers_opens_the_folder(tokenizer):
    assert tokenizer.cls_token_id == 2
    assert tokenizer.pad_token_id == 0
    assert tokenizer("水杯")["input_ids"][0] == 2
    assert len(tokenizer) == len(make_vocabulary(TEXTS))


def test_frequent_runs_of_letters_and_digits_are_whole_and_rare_ones_are_spelt_by_character(tokenizer):
    assert tokenizer.tokenize("云舟yunzhou k3-7 500ml") == ["云", "舟", "yunzhou", "k3", "-", "7", "500ml"]
    assert tokenizer.tokenize("xl") == ["xl"]
    assert tokenizer.tokenize("rare k8") == ["r", "##a", "##r", "##e", "k", "##8"]


def test_unseen_model_numbers_have_no_unknown_tokens(tokenizer):
    assert "[UNK]" not in tokenizer.tokenize("z9-0 qq88")


def test_special_tokens_come_first_and_no_token_twice():
    tokens = make_vocabulary(TEXTS)
    assert tokens[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(set(tokens)) == len(tokens)
