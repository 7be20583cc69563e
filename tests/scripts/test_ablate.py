import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.trainer import run_training
from scripts import ablate
from tests.engine.conftest import ALONE
from tests.tools.study.ablation.conftest import QUICK, tiny_ablations
from tools.study.ablation.runs import AblationRun, ablation_runs, is_done

__all__ = ["tiny_ablations"]
Command = Callable[..., None]


@pytest.fixture
def command(tiny_ablations: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    def run(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["ablate.py", *arguments])
        ablate.main()

    return run


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that are trained, in this process; the third is stopped at first."""
    names: list[str] = []

    def train(run: AblationRun) -> None:
        names.append(run.options.name)
        if len(names) == 3:
            sys.exit(75)
        run_training(run.options, "", ALONE)

    monkeypatch.setattr(ablate, "_train", train)
    return names


def test_a_stopped_study_goes_on_by_the_same_command_and_ends_with_the_table(
    command: Command, trained: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*QUICK, "--seeds", "0", "1", "--replicates", "50"]
    with pytest.raises(SystemExit) as ending:
        command(*arguments)
    assert ending.value.code == 75
    names = [f"ablation_{name}-seed{seed}" for seed in (0, 1) for name in ("full", "a_shared")]
    assert trained == names[:3]
    command(*arguments)
    assert trained[3:] == names[2:]
    out = capsys.readouterr().out
    assert "run 2 of 4, ablation_a_shared-seed0: is done" in out
    of_f1 = [line.split() for line in out.splitlines() if " F1 " in line]
    assert [line[:2] for line in of_f1] == [[f"experiments/ablation_{name}", "2"] for name in ("full", "a_shared")]
    command(*arguments)
    assert len(trained) == 5


@pytest.mark.usefixtures("tiny_ablations")
def test_a_run_is_trained_by_a_process_of_its_own_which_ends_the_study_where_it_fails() -> None:
    run = ablation_runs("study", [3], QUICK)[0]
    ablate._train(run)
    assert is_done(run)
    with pytest.raises(SystemExit) as ending:
        ablate._train(replace(run, option_file=Path("nowhere.yml")))
    assert ending.value.code == 2


@pytest.mark.parametrize("wrong", [["name=x"], ["seed=1"], ["train.stepz=2"], ["--seeds", "a"], ["--study", "a/b"]])
def test_wrong_arguments_end_with_status_2_before_anything_is_trained(
    command: Command, trained: list[str], wrong: list[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        command(*wrong)
    assert ending.value.code == 2
    assert not trained
