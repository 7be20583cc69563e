import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import fresh_pairs
from benchmarks.fresh_pairs import FreshPairs, decide_fresh_pairs
from engine.checkpoint import read_state
from engine.checksums import write_checksums
from engine.decision_rule import write_rule
from engine.run_folder import run_folder
from engine.trainer import run_training
from metrics.threshold import Criterion
from options.errors import UserError
from tests.engine.conftest import ALONE, MakeOptions, make_options, work_folder
from tools.study.calibration import CalibrationSettings, calibrate

__all__ = ["make_options", "work_folder"]


@pytest.fixture
def checkpoint(make_options: MakeOptions) -> Path:
    """The best of a tiny run named fresh."""
    return run_training(
        make_options("name=fresh", "model.image_encoder=null", "log.tensorboard=false"), "", ALONE
    ).checkpoint


def test_fresh_pairs_are_decided_at_the_calibrated_threshold(checkpoint: Path) -> None:
    known = read_state(checkpoint).evaluation
    found, other = (decide_fresh_pairs(run_folder("fresh"), 60, seed, ALONE) for seed in (1, 2))
    assert known is not None
    assert found.fresh.threshold == known.best_possible_threshold
    assert (found.validation_f1, found.low, found.high) == (
        known.best_possible_f1, known.best_possible_f1_low, known.best_possible_f1_high,
    )  # fmt: skip
    assert found.fresh.num_pairs > 30
    assert found.fresh != other.fresh
    within = [replace(found, low=low, high=high).is_within for low, high in ((0.0, 1.0), (0.0, 0.0), (1.0, 1.0))]
    assert within == [True, False, False]


def test_a_kept_rule_is_held_against_its_own_interval(checkpoint: Path) -> None:
    record = calibrate(checkpoint, CalibrationSettings(Criterion("recall", 0.9), False, 1.0, 50, 0)).record
    write_rule(checkpoint, record)
    found = decide_fresh_pairs(run_folder("fresh"), 60, 1, ALONE)
    assert found.fresh.threshold == record.rule.threshold
    figure = record.figures["best_possible_f1"]
    assert (found.validation_f1, found.low, found.high) == (figure.value, figure.low, figure.high)


def test_a_run_without_an_interval_is_refused(checkpoint: Path) -> None:
    file = checkpoint / "state.json"
    text = re.sub(r'"best_possible_f1_low": [0-9.e-]+', '"best_possible_f1_low": null', file.read_text())
    file.write_text(text)
    write_checksums(checkpoint)
    with pytest.raises(UserError, match="has no interval of F1"):
        decide_fresh_pairs(run_folder("fresh"), 60, 1, ALONE)


@pytest.mark.parametrize(("low", "status", "word"), [(0.0, 0, "within"), (0.9, 1, "outside")])
def test_the_status_says_whether_f1_is_within(
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    low: float,
    status: int,
    word: str,
) -> None:
    figures = read_state(checkpoint).evaluation
    assert figures is not None
    found = FreshPairs(0.7, low, 1.0, replace(figures, f1=0.5))
    monkeypatch.setattr(fresh_pairs, "decide_fresh_pairs", lambda *arguments: found)
    monkeypatch.setattr(sys, "argv", ["fresh_pairs", "fresh"])
    with pytest.raises(SystemExit) as ending:
        fresh_pairs.main()
    assert ending.value.code == status
    assert f"0.5000 of 60 fresh pairs, {word}" in capsys.readouterr().out
