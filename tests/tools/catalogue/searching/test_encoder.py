"""From a trained run to an index, and from there to items; the commands too."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from data.item_catalog import read_items
from engine.experiment import ExperimentOptions
from engine.trainer import run_training
from options.errors import UserError
from options.read import read_options
from options.yaml_values import to_yaml
from scripts import build_index, find_duplicates, search_items
from tests.engine.conftest import ALONE
from tests.tiny_data import AGREEMENT, option_tree
from tools.catalogue.embedder import run_embedding
from tools.catalogue.embedding_folder import open_embeddings
from tools.catalogue.embedding_job import EmbeddingJob
from tools.catalogue.index_folder import open_index
from tools.catalogue.searching.encoder import encode_item, index_checkpoint, index_rule
from tools.preparation.image_packing import PackSettings, pack_images


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_dataset: Path) -> Path:
    """A folder with a trained run, the embeddings of the test items (e) and their index (i)."""
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "tiny.yml").write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = read_options(ExperimentOptions, Path("tiny.yml"), ["log.tensorboard=false", AGREEMENT])
        run_training(options, "train.py tiny.yml", ALONE)
        items = tiny_dataset / "item_test_info.jsonl"
        job = EmbeddingJob(items, tiny_dataset / "images", Path("e"), "float32", 16)
        run_embedding(options, job, ALONE)
        patch.setattr(sys, "argv", ["build_index.py", "e", "i"])
        build_index.main()
    return folder


@pytest.fixture
def folder(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def run(monkeypatch: pytest.MonkeyPatch, main: object, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    main()  # type: ignore[operator]


def test_an_item_is_encoded_as_it_was_with_the_catalogue(folder: Path, tiny_dataset: Path) -> None:
    index = open_index(Path("i"))
    item = read_items(tiny_dataset / "item_test_info.jsonl")[5]
    packed = encode_item(index, index_checkpoint(index, None), item, tiny_dataset / "images")
    best = index.backend.search(packed, len(index.items))
    own = index.backend.search(next(iter(open_embeddings(Path("e")).blocks(16)))[5:6], len(index.items))
    assert [neighbour.item_id for neighbour in best[0]] == [neighbour.item_id for neighbour in own[0]]
    assert best[0][0].margin == pytest.approx(own[0][0].margin, rel=1e-4)


def test_the_rule_is_that_of_the_run_or_a_number(folder: Path) -> None:
    index = open_index(Path("i"))
    recorded = json.loads(Path("experiments/tiny/metrics.json").read_text())
    rule, source = index_rule(index, "calibrated", None)
    assert rule.threshold == recorded["calibrated_threshold"]
    assert source.startswith("calibrated, of experiments/tiny/checkpoints/step_")
    assert index_rule(index, "learned", Path("experiments/tiny"))[0].threshold == recorded["threshold"]
    assert index_rule(index, 0.25, None)[0].threshold == 0.25


def test_a_checkpoint_with_other_weights_is_refused(folder: Path) -> None:
    index = open_index(Path("i"))
    best = index_checkpoint(index, None)
    other = next(path for path in best.parent.iterdir() if path.is_dir() and path.name != best.name)
    with pytest.raises(UserError, match=r"has other weights than those .*--checkpoint.*--threshold NUMBER"):
        index_rule(index, "learned", other)


def test_embeddings_of_no_run_ask_for_a_number(folder: Path) -> None:
    index = open_index(Path("i"))
    with pytest.raises(UserError, match=r"--threshold NUMBER"):
        index_rule(replace(index, record=replace(index.record, run="nobody")), "calibrated", None)


def test_a_search_by_id_leaves_out_the_item_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, search_items.main, "i", "test-3", "test-8", "-k", "4", "--jsonl")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["query"], line["rank"]) for line in lines] == [
        (query, rank) for query in ("test-3", "test-8") for rank in range(1, 5)
    ]
    assert all(line["item_id"] != line["query"] for line in lines)
    assert all(line["same"] == (line["margin"] > line["threshold"]) for line in lines)


def test_a_search_by_image_and_text_finds_the_item_they_are_of(
    folder: Path, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = json.loads((tiny_dataset / "item_test_info.jsonl").read_text(encoding="utf-8").splitlines()[1])
    image = str(tiny_dataset / "images" / line["item_image_name"])
    new = ["--image", image, "--title", line["title"], "--attribute", "品牌=木岚", "--threshold", "0"]
    run(monkeypatch, search_items.main, "i", *new, "-k", "3")
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 5
    assert "threshold: as given" in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["i", "nobody"], "i: has no item 'nobody'"),
        (["i", "--title", "花瓶"], "its model reads images; give that of the item"),
        (["i", "--image", "none.jpg", "--title", "花瓶"], "none.jpg"),
        (["no_index", "test-3"], "index.json: is missing: no index"),
        (["i"], "give either ids of items or a new item"),
        (["i", "test-3", "--attribute", "x"], "give either"),
        (["i", "--attribute", "x"], "'x' is not KEY=VALUE"),
        (["i", "test-3", "--threshold", "high"], "neither calibrated nor learned nor a finite number"),
    ],
)
def test_what_cannot_be_looked_for_is_said(
    arguments: list[str],
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, search_items.main, *arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_one_command_writes_groups_pairs_and_a_page(
    folder: Path,
    tiny_dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = tiny_dataset / "item_test_info.jsonl"
    truth = tmp_path / "truth.jsonl"
    ids = [json.loads(line)["item_id"] for line in items.read_text(encoding="utf-8").splitlines()]
    truth.write_text("".join(json.dumps({"item_id": own, "product": n // 2}) + "\n" for n, own in enumerate(ids)))
    more = ["--items", str(items), "--images", str(tiny_dataset / "images"), "--truth", str(truth)]
    run(monkeypatch, find_duplicates.main, "i", str(tmp_path / "out"), *more)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    groups = [json.loads(line) for line in (tmp_path / "out" / "groups.jsonl").read_text().splitlines()]
    assert summary["items"] == summary["searched_for_now"] == len(ids)
    assert summary["truth_num_true_pairs"] == len(ids) // 2
    assert summary["groups"] == len(groups)
    assert "data:image/jpeg" in (tmp_path / "out" / "groups.html").read_text(encoding="utf-8") or not groups
    capsys.readouterr()
    run(monkeypatch, find_duplicates.main, "i", str(tmp_path / "out"), "--within-categories")
    assert re.search(r"searched for now +0\n", capsys.readouterr().out)


def test_a_page_shows_the_pictures_of_a_pack_of_any_size(
    folder: Path, tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = tiny_dataset / "item_test_info.jsonl"
    pack = tmp_path / "images.pack"
    pack_images(tiny_dataset / "images", pack, [items], PackSettings("pixels", 8, follow_links=False), processes=1)
    more = ["--items", str(items), "--images", str(pack), "--threshold", "-1000"]
    run(monkeypatch, find_duplicates.main, "i", str(tmp_path / "out"), *more)
    assert "data:image/jpeg" in (tmp_path / "out" / "groups.html").read_text(encoding="utf-8")


def test_images_that_are_not_there_are_told_before_the_search(
    folder: Path, tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = ["--items", str(tiny_dataset / "item_test_info.jsonl"), "--images", str(tmp_path / "none.pack")]
    with pytest.raises(SystemExit):
        run(monkeypatch, find_duplicates.main, "i", str(tmp_path / "out"), *more)
    assert not (tmp_path / "out" / "found").exists()
