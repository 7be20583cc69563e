from pathlib import Path

import pytest
from pydantic import JsonValue

from engine.experiment import ExperimentOptions
from options.read import read_options

FOLDER = Path(__file__).parents[2] / "options"
COSINES = {
    "model.threshold_branch": False,
    "model.head": {"name": "cosine", "start": "random", "scale": None, "standardize": False, "dropout": 0.0},
}
NEGATIVES = {"in_batch_negatives": {"weight": 4.0}, "supervised_contrast": None}
CHANGES: dict[str, dict[str, JsonValue]] = {
    "full": {},
    "image_only": {"model.text_encoder": None},
    "text_only": {"model.image_encoder": None},
    "fixed_threshold": {"loss": {"name": "fixed_threshold", "scale": 10.0, "threshold": 0.5, **NEGATIVES}, **COSINES},
    "learned_threshold": {
        "loss": {"name": "learned_threshold", "threshold": 0.0, **NEGATIVES},
        "model.threshold_branch": False,
    },
    "contrastive": {"loss": {"name": "contrastive", "margin": 1.0, **NEGATIVES}, **COSINES},
    "shared_backbones": {"model.share_encoders": True},
    "no_in_batch_negatives": {"loss.in_batch_negatives": None},
}


def resolved(file: str) -> dict[str, JsonValue]:
    return read_options(ExperimentOptions, FOLDER / file).model_dump(mode="json")


def test_every_ablation_is_known_here() -> None:
    assert {file.stem for file in (FOLDER / "ablation").iterdir()} == CHANGES.keys()


@pytest.mark.parametrize("name", CHANGES)
def test_an_ablation_is_the_demo_but_for_what_it_names(name: str) -> None:
    expected = resolved("demo.yml")
    for key, value in {"name": f"ablation_{name}", **CHANGES[name]}.items():
        *path, last = key.split(".")
        section = expected
        for part in path:
            inner = section[part]
            assert isinstance(inner, dict)
            section = inner
        section[last] = value
    assert resolved(f"ablation/{name}.yml") == expected
