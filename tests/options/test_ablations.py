from pathlib import Path

import pytest
from pydantic import JsonValue

from engine.experiment import ExperimentOptions
from options.read import read_options
from options.yaml_values import read_yaml_mapping

FOLDER = Path(__file__).parents[2] / "options"
NOT_THERE = "not there"
COSINES = {"model.threshold_branch": False, "model.normalize": True}
CHANGES: dict[str, dict[str, JsonValue]] = {
    "full": {},
    "image_only": {"model.text_encoder": None},
    "text_only": {"model.image_encoder": None},
    "fixed_threshold": {"loss.name": "fixed_threshold", **COSINES},
    "learned_threshold": {"loss.name": "learned_threshold", "model.threshold_branch": False},
    "contrastive": {"loss.name": "contrastive", **COSINES},
    "shared_backbones": {"model.share_encoders": True},
    "no_in_batch_negatives": {"loss.in_batch_negatives": NOT_THERE},
}


def leaves(values: dict[str, JsonValue], path: str = "") -> dict[str, JsonValue]:
    """All values by their dotted keys."""
    found: dict[str, JsonValue] = {}
    for key, value in values.items():
        found |= leaves(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return found


def test_every_ablation_is_known_here() -> None:
    assert {file.stem for file in (FOLDER / "ablation").iterdir()} == CHANGES.keys()


@pytest.mark.parametrize("name", CHANGES)
def test_an_ablation_is_the_demo_but_for_what_it_names(name: str) -> None:
    expected = leaves(read_yaml_mapping(FOLDER / "demo.yml").values)
    for key, value in {"name": f"ablation_{name}", **CHANGES[name]}.items():
        expected = {path: old for path, old in expected.items() if not path.startswith(f"{key}.")}
        expected |= {} if value == NOT_THERE else {key: value}
    file = FOLDER / "ablation" / f"{name}.yml"
    assert leaves(read_yaml_mapping(file).values) == expected
    assert read_options(ExperimentOptions, file).name == f"ablation_{name}"
