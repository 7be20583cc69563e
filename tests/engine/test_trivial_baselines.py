from pathlib import Path

import pytest

from engine import trivial_baselines
from engine.run_folder import run_folder
from engine.trainer import run_training
from engine.training import load_splits
from engine.trivial_baselines import baseline_warning, trivial_f1s
from tests.engine.conftest import ALONE, MakeOptions


def test_a_figure_below_a_baseline_is_told_with_both_figures(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, val = load_splits(make_options())
    best = max(trivial_f1s(train, val).values())
    warning = baseline_warning(train, val, best - 0.01, "best possible F1")
    assert warning is not None
    assert f"{best - 0.01:.4f}" in warning
    assert f"{best:.4f}" in warning
    assert baseline_warning(train, val, best, "best possible F1") is None
    monkeypatch.setattr(trivial_baselines, "MOST_PAIRS", len(val.pairs) - 1)
    assert baseline_warning(train, val, 0.0, "best possible F1") is None


@pytest.mark.parametrize("trivial", [0.0, 1.01])
def test_a_run_says_so_at_its_end(make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch, trivial: float) -> None:
    monkeypatch.setattr(trivial_baselines, "trivial_f1s", lambda _train, _val: {"a baseline": trivial})
    options = make_options()
    run_training(options, "train", ALONE)
    log = Path(run_folder(options.name).root / "train.log").read_text(encoding="utf-8")
    assert ("is below that of a baseline" in log) == (trivial > 1)
