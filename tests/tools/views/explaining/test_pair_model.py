import json
import shutil
from pathlib import Path

import pytest

from options.errors import UserError
from options.yaml_values import to_yaml
from tests.tiny_data import option_tree
from tests.trained_run import ALONE, Trained
from tools.views.explaining.pair_model import load_pair_model


def test_the_rule_is_the_calibrated_one_of_the_best_checkpoint(trained: Trained) -> None:
    run = trained()
    recorded = json.loads((run / "metrics.json").read_text())
    assert load_pair_model(run, None, ALONE).rule.threshold == recorded["calibrated_threshold"]


def test_a_checkpoint_without_options_takes_those_of_a_file(
    trained: Trained, tiny_dataset: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "item_encoder.safetensors"
    shutil.copy(next(trained().glob("checkpoints/step_*/item_encoder.safetensors")), weights)
    with pytest.raises(UserError, match="no options of its own; give"):
        load_pair_model(weights, None, ALONE)
    file = tmp_path / "tiny.yml"
    file.write_text(to_yaml(option_tree(tiny_dataset) | {"predict": {"threshold": 1.65}}))
    assert load_pair_model(weights, file, ALONE).rule.threshold == 1.65
