import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.checkpoint import FORMAT, STATE
from engine.checksums import write_checksums
from engine.pair_scores import VALIDATION, ValidationScores, write_validation_scores
from options.yaml_values import to_yaml
from tests.tiny_data import TEXT_ENCODER, option_tree
from tools.study import ablation

MakeRun = Callable[..., Path]
QUICK = ["train.steps=2", "train.evaluate_every=2", "train.save_every=2", "log.tensorboard=false"]
"""Options of a short run."""


def validation_of(num_pairs: int, seed: int, quality: float, offsets: float = 0.0) -> ValidationScores:
    """Scores of invented pairs of 200 products, by a model of some quality; the pairs are the same for all seeds."""
    rng = np.random.default_rng(0)
    source = rng.integers(0, 800, num_pairs)
    target = source // 4 * 4 + (source + rng.integers(1, 4, num_pairs)) % 4
    same = rng.random(num_pairs) < 0.4
    categories = source // 4 % 4
    noise = np.random.default_rng(seed + 1).normal(size=num_pairs)
    margins = quality * (same - 0.5) + noise + offsets * categories
    return ValidationScores(
        match=margins + 1.0,
        threshold=np.ones(num_pairs),
        same=same,
        source=source,
        target=target,
        item_ids=tuple(f"item{number}" for number in range(800)),
        categories=tuple(f"kind{number // 4 % 4}" for number in range(800)),
    )


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write a run's folder whose only checkpoint holds these scores, and no model."""

    def make(
        name: str = "run", num_pairs: int = 600, seed: int = 0, quality: float = 2.0, offsets: float = 0.0,
        scores: ValidationScores | None = None, **data: dict[str, str],
    ) -> Path:  # fmt: skip
        checkpoint = tmp_path / name / "checkpoints/step_00000006"
        checkpoint.mkdir(parents=True)
        names = ("f1", "precision", "recall")
        figures = dict.fromkeys([*names, "accuracy", *(f"best_possible_{name}" for name in names)], 0.5)
        figures |= {"threshold": 0.0, "best_possible_threshold": 0.5}
        state = {
            "format": FORMAT, "step": 6, "loss_sums": [0.0], "best_step": 6, "best_f1": 0.5, "evaluation_due": False,
            "evaluation": figures | {"num_pairs": 1, "num_positives": 1},
            "scaler": {}, "overflow": {"total": 0, "in_a_row": 0, "unlogged": 0},
            "run": {"options": {"data": data}, "num_processes": 1, "pairs_per_step": 4, "training_pairs": "0" * 64},
        }  # fmt: skip
        (checkpoint / STATE).write_text(json.dumps(state))
        found = scores if scores is not None else validation_of(num_pairs, seed, quality, offsets)
        write_validation_scores(checkpoint / VALIDATION, found)
        write_checksums(checkpoint)
        return tmp_path / name

    return make


@pytest.fixture
def tiny_ablations(tmp_path: Path, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two ablations of a model of tiny size, on the text alone; the current folder is empty but for them."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "ablation"
    folder.mkdir()
    model = {"image_encoder": None, "text_encoder": TEXT_ENCODER, "embedding_width": 16}
    for name, change in (("full", {}), ("a_shared", {"share_encoders": True})):
        tree = {**option_tree(tiny_dataset, f"ablation_{name}"), "model": {**model, **change}}
        (folder / f"{name}.yml").write_text(to_yaml(tree), encoding="utf-8")
    monkeypatch.setattr(ablation, "ABLATIONS", folder)
    return folder
