"""A checkpoint's files with any one byte changed: each is refused with a sentence, or means what it meant."""

from pathlib import Path

import numpy as np
import pytest

from engine.checkpoint import best_checkpoint, read_state
from engine.checkpoint_folder import find_resumption
from engine.checksums import recorded_checksum
from engine.decision_rule import DecisionRule, EstimatedFigure, RuleRecord, decision_rule, write_rule
from engine.evaluator import evaluation
from engine.pair_scores import VALIDATION, ValidationScores, read_validation_scores
from engine.training import TrainState
from options.errors import UserError
from tests.engine.conftest import MakeOptions, fresh_state, save

MARGINS, SAME = np.array([1.5, -2.0, 0.5]), np.array([True, False, True])


@pytest.fixture
def state(make_options: MakeOptions) -> TrainState:
    """An evaluated state."""
    state = fresh_state(make_options("model.image_encoder=null"))
    rows = np.arange(3)
    state.step = 2
    state.evaluation = evaluation(MARGINS, SAME, 0.0)
    state.validation = ValidationScores(MARGINS, np.zeros(3), SAME, rows, rows + 1, ("a", "b", "c", "d"), ("vase",) * 4)
    return state


@pytest.fixture
def saved(state: TrainState, tmp_path: Path) -> Path:
    """Its checkpoint, the best one."""
    return save(tmp_path / "c", state, is_best=True)


BYTES = [b'"', b"9", b"\xff"]


@pytest.mark.parametrize("new", BYTES)
@pytest.mark.parametrize("name", ["state.json", "SHA256SUMS", "../step_00000002.threshold.json"])
def test_a_record_of_a_checkpoint_with_any_byte_changed_is_refused_or_means_the_same(
    saved: Path, name: str, new: bytes
) -> None:
    checksum = recorded_checksum(saved, VALIDATION) or ""
    rule = DecisionRule(0.125, {"vase": -0.75})
    figures = {"best_possible_f1": EstimatedFigure(0.5, 0.25, 0.75)}
    write_rule(saved, RuleRecord(1, "f1", rule, figures, 0.95, 60, 8, 100, 0, "0" * 64, checksum, (3, 5)))

    def meaning() -> object:
        scores = read_validation_scores(saved)
        return read_state(saved), decision_rule("calibrated", saved), best_checkpoint(saved.parent), scores.digest

    before, content = meaning(), (saved / name).read_bytes()
    refused = 0
    for place in range(0, len(content), 3):
        (saved / name).write_bytes(content[:place] + new + content[place + 1 :])
        try:
            assert meaning() == before
        except UserError:
            refused += 1
    assert refused > len(content) // 12


@pytest.mark.parametrize("new", BYTES)
def test_a_run_goes_on_from_no_file_of_which_any_byte_was_changed(
    state: TrainState, tmp_path: Path, new: bytes
) -> None:
    first = save(tmp_path / "c", state)
    state.step += 1
    last = save(tmp_path / "c", state)
    for file in sorted(last.iterdir()):
        content = file.read_bytes()
        for place in range(0, len(content), len(content) // 20 + 1):
            changed = content[:place] + new + content[place + 1 :]
            file.write_bytes(changed)
            found = find_resumption(tmp_path / "c")
            if changed == content:
                assert found == (last, ())
                continue
            assert found.checkpoint == first
            assert last.name in found.warnings[0]
            (tmp_path / "c" / f"damaged_{last.name}").rename(last)
            file.write_bytes(content)
