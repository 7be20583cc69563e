"""What a small run trains, predicts and finds, held against what was recorded once.

Words and decisions have to be equal; numbers may differ as floating point does between processors. After a change that
is meant to give other numbers: GOLDEN=record pytest tests/test_golden.py, and look at the difference.
"""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.command_server import ROOT, run
from tests.tiny_data import AGREEMENT
from tests.trained_run import Trained

RECORD = Path(__file__).parent / "assets" / "golden.json"
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]\d+)?")

PREDICT = ["predict.py", "tiny.yml", "log.tensorboard=false"]
RUNS = {
    "heads": (AGREEMENT, "train.steps=12", "loss.in_batch_negatives={weight: 0.5}"),
    "text": ("model.image_encoder=null", "train.accumulate=2"),
    "one_threshold": (
        "loss={name: fixed_threshold}", "model.threshold_branch=false", "model.head={name: cosine}"
    ),
}  # fmt: skip
"""Overrides of the runs whose courses are recorded."""


def command(folder: Path, *arguments: object) -> str:
    """Return what a command prints, a file or one of run.sh's; it has to end well."""
    first, *others = map(str, arguments)
    started = [str(ROOT / first)] if first.endswith(".py") else ["-m", "scripts", first]
    ended = run([*started, *others], cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def course(run: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "pairs_per_second"} for line in lines]


def submission(file: Path) -> list[object]:
    """The first numbers of each line's embeddings, its margin and its threshold."""
    found: list[object] = []
    for line in map(json.loads, file.read_text().splitlines()):
        source, target = json.loads(line["src_item_emb"]), json.loads(line["tgt_item_emb"])
        half = len(source) // 2
        products = [a * b for a, b in zip(source, target, strict=True)]
        margin = sum(products[half:]) - sum(products[:half])
        found.append([line["src_item_id"], line["tgt_item_id"], source[:2], target[-2:], margin, line["threshold"]])
        found.append(margin > line["threshold"])
    return found


def found_by(trained: Trained, dataset: Path, tmp_path: Path) -> dict[str, object]:
    found: dict[str, object] = {f"course of {name}": course(trained(*options)) for name, options in RUNS.items()}
    found["course"] = course(trained())
    folder = tmp_path / "work"
    shutil.copytree(trained().parents[1], folder)
    experiment = "experiments/tiny"
    items, images = dataset / "item_test_info.jsonl", dataset / "images"
    found["calibrate"] = command(folder, "study", "calibrate", experiment)
    found["predict"] = command(folder, *PREDICT, "predict.threshold=calibrated")
    found["submission"] = submission(folder / experiment / "predictions/test.jsonl")
    command(folder, "catalogue", "embed", "tiny.yml", items, images, "embeddings")
    command(folder, "catalogue", "index", "embeddings", "index")
    found["search"] = command(folder, "catalogue", "search", "index", "test-0", "test-7", "-k", 5)
    found["duplicates"] = command(folder, "catalogue", "duplicates", "index", "groups", "--threshold", "0.2")
    found["groups"] = (folder / "groups/groups.jsonl").read_text()
    found["explain"] = command(
        folder, "view", "explain", experiment, "test-0", "test-1", "--out", "pair.png", "--grid", 2, "--rows", 12
    )
    return found


def assert_alike(found: object, recorded: object, place: str) -> None:
    if isinstance(recorded, dict):
        assert isinstance(found, dict), place
        assert found.keys() == recorded.keys(), place
        for key, value in recorded.items():
            assert_alike(found[key], value, f"{place} {key}")
    elif isinstance(recorded, list):
        assert isinstance(found, list), place
        assert len(found) == len(recorded), place
        for number, (own, other) in enumerate(zip(found, recorded, strict=True)):
            assert_alike(own, other, f"{place} [{number}]")
    elif isinstance(recorded, str):
        assert isinstance(found, str), place
        words, numbers = NUMBER.sub("#", found).split(), [float(n) for n in NUMBER.findall(found)]
        assert words == NUMBER.sub("#", recorded).split(), place
        assert numbers == pytest.approx([float(n) for n in NUMBER.findall(recorded)], rel=1e-3, abs=2e-4), place
    elif isinstance(recorded, bool) or recorded is None:
        assert found is recorded, place
    else:
        assert found == pytest.approx(recorded, rel=1e-4, abs=1e-5), place


def test_training_prediction_calibration_search_groups_and_explanation_give_what_was_recorded(
    trained: Trained, tiny_dataset: Path, tmp_path: Path
) -> None:
    found = json.loads(json.dumps(found_by(trained, tiny_dataset, tmp_path)))
    if os.environ.get("GOLDEN") == "record":
        RECORD.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert_alike(found, json.loads(RECORD.read_text(encoding="utf-8")), "")
