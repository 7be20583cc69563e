"""A catalogue without pictures, and one without texts, through the commands that read items, without thresholds."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.experiment import ExperimentOptions
from engine.predictor import run_prediction
from engine.trainer import run_training
from engine.verifier import Verifier
from options.errors import UserError
from options.read import read_options
from options.yaml_values import to_yaml
from tests.command_line import run_command
from tests.tiny_data import SPLITS, option_tree, write_lines
from tests.trained_run import ALONE

KEPT = {"text": ("item_id", "title", "item_pvs"), "image": ("item_id", "item_image_name")}
OTHER = {"text": "image", "image": "text"}


@pytest.fixture(scope="module", params=["text", "image"])
def trained_folder(
    request: pytest.FixtureRequest, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """What items have alone, and the folder of the items, the option file and a run."""
    modality: str = request.param
    folder = tmp_path_factory.mktemp(modality)
    tree = option_tree(tiny_dataset)
    tree["model"] |= {f"{OTHER[modality]}_encoder": None, "threshold_branch": False}
    tree["loss"]["name"] = "learned_threshold"
    tree["train"] |= {"steps": 2, "evaluate_every": 2, "save_every": 2}
    for split in SPLITS:
        lines = map(json.loads, (tiny_dataset / f"item_{split}_info.jsonl").read_text(encoding="utf-8").splitlines())
        # Titles of their own, since an item is known again by all that it has.
        items = [{**line, "title": f"{line['title']} {line['item_id']}"} for line in lines]
        write_lines(folder / f"{split}.jsonl", [{key: item.get(key) for key in KEPT[modality]} for item in items])
        tree["data"][split]["items"] = f"{split}.jsonl"
        if modality == "text":
            del tree["data"][split]["images"]
    (folder / "tiny.yml").write_text(to_yaml(tree), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_training(read_options(ExperimentOptions, Path("tiny.yml"), ["log.tensorboard=false"]), "train.py", ALONE)
    return modality, folder


@pytest.fixture
def modality(trained_folder: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """What items have alone; their folder is the current one."""
    monkeypatch.chdir(trained_folder[1])
    return trained_folder[0]


def printed(*arguments: object) -> str:
    ended = run_command(*arguments)
    assert ended.status == 0, ended.stderr
    return ended.stdout


def images_of(modality: str, tiny_dataset: Path) -> list[object]:
    return [tiny_dataset / "images"] if modality == "image" else []


def test_pairs_are_predicted_audited_and_reported(modality: str) -> None:
    prediction = run_prediction(read_options(ExperimentOptions, Path("tiny.yml")), ALONE)
    assert prediction is not None
    assert prediction.num_pairs == 60
    audit = run_command("data", "audit", "tiny.yml")
    assert "0 faults" in audit.stdout
    assert run_command("view", "report", "tiny").status == 0
    page = Path("experiments/tiny/report_val.html").read_text(encoding="utf-8")
    assert ('<th scope="col" class="number optional">own threshold</th>' in page, "own threshold score" in page) == (
        False,
        False,
    )
    assert ("Pictures are stretched" in page) == (modality == "image")


def test_a_catalogue_is_embedded_and_its_groups_are_shown(modality: str, tiny_dataset: Path) -> None:
    images = images_of(modality, tiny_dataset)
    out = printed("catalogue", "embed", "tiny.yml", "test.jsonl", *images, "e", "data.workers=0")
    assert out.startswith("e: 40 items in 1 shards, 0 threshold and 16 match numbers each")
    printed("catalogue", "index", "e", "i")
    shown = ["--images", *images] if images else []
    printed("catalogue", "duplicates", "i", "d", "--items", "test.jsonl", "--threshold", "-9", *shown)
    page = Path("d/groups.html").read_text(encoding="utf-8")
    assert ("<img" in page, "no picture" in page) == (modality == "image", False)


def test_a_pair_is_explained_without_a_threshold_of_its_own(modality: str, tiny_dataset: Path) -> None:
    images = images_of(modality, tiny_dataset)
    shown = ["--images", *images] if images else []
    for source in ([], ["--items", "val.jsonl", *shown]):
        out = printed("view", "explain", "experiments/tiny", "val-1", "val-2", *source, "--grid", "2")
        assert "own threshold" not in out
    assert (Image.open("explanation.png").height > 900) == (modality == "image")


def test_baselines_are_those_of_what_there_is(modality: str, tiny_dataset: Path) -> None:
    pairs = tiny_dataset / "item_val_pair.jsonl"
    out = printed("study", "baselines", "val.jsonl", pairs, *images_of(modality, tiny_dataset))
    assert [line.split("  ")[0] for line in out.splitlines()[1:]] == [
        "all positive",
        {"text": "TF-IDF of the text", "image": "colour histogram"}[modality],
    ]


def test_items_of_python_need_nothing_else(modality: str, tiny_dataset: Path) -> None:
    verifier = Verifier.load("experiments/tiny")
    item: dict[str, object] = {"title": "花瓶"} if modality == "text" else {"item_image_name": "a"}
    images = {"a": Image.new("RGB", (9, 9), "red")} if modality == "image" else None
    assert np.isfinite(verifier.score([item], [item], images).margin.numpy()).all()


def test_a_model_of_pictures_needs_them_named(tiny_dataset: Path, tmp_path: Path) -> None:
    tree = option_tree(tiny_dataset)
    del tree["data"]["val"]["images"]
    (tmp_path / "tiny.yml").write_text(to_yaml(tree), encoding="utf-8")
    with pytest.raises(UserError, match=r"data\.val\.images: is missing, which model\.image_encoder .* reads"):
        read_options(ExperimentOptions, tmp_path / "tiny.yml")
