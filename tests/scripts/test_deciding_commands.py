import sys
from pathlib import Path

import pytest

from engine.checksums import check_files
from engine.decision_rule import decision_rule, find_rule
from scripts import calibrate, compare
from tests.tools.study.deciding.conftest import MakeRun, make_run

__all__ = ["make_run"]


def command(monkeypatch: pytest.MonkeyPatch, module: object, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
    module.main()  # type: ignore[attr-defined]


def test_a_calibrated_rule_is_printed_kept_and_applied(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    checkpoint = run / "checkpoints/step_00000006"
    command(monkeypatch, calibrate, run, "--criterion", "precision=0.9", "--replicates", "100")
    lines = capsys.readouterr().out.splitlines()
    record = find_rule(checkpoint)
    assert record is not None
    assert decision_rule("calibrated", checkpoint) == record.rule
    assert lines[0].startswith("precision=0.9 on 600 validation pairs in ")
    precision = next(line for line in lines if line.startswith("precision  ")).split()
    figure = record.figures["precision"]
    assert precision[1:] == [f"{number:.4f}" for number in (figure.value, figure.low, figure.high)]
    assert lines[-1] == f"kept in {run}/checkpoints/step_00000006.threshold.json"
    check_files(checkpoint)


def test_thresholds_by_category_are_printed(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(num_pairs=2000, quality=3.0, offsets=1.0)
    command(monkeypatch, calibrate, run, "--per-category", "--replicates", "20")
    out = capsys.readouterr().out
    assert "kept thresholds of 4 of 4 categories" in out
    assert "\nkind3  " in out


@pytest.mark.parametrize("arguments", [["--criterion", "f2"], ["--per-category", "--criterion", "positives=3"]])
def test_wrong_arguments_end_with_status_2(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        command(monkeypatch, calibrate, make_run(), *arguments)
    assert ending.value.code == 2


def test_two_runs_are_compared_by_what_they_kept(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run("weak", quality=1.0), make_run("strong", quality=4.0, seed=1)]
    command(monkeypatch, compare, *runs, "--replicates", "100", "--threshold", "learned")
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines() if " F1 " in line] == list(map(str, runs))
    assert "not distinguishable" not in next(line for line in out.splitlines() if "strong" in line)


def test_runs_of_several_seeds_are_compared_as_one_system(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run(f"{name}-seed{seed}", quality=quality, seed=seed)
            for name, quality in (("weak", 1.0), ("strong", 4.0)) for seed in (0, 1)]  # fmt: skip
    command(monkeypatch, compare, *runs, "--replicates", "100", "--threshold", "learned")
    of_f1 = [line.split() for line in capsys.readouterr().out.splitlines() if " F1 " in line]
    assert [line[:2] for line in of_f1] == [[str(run).removesuffix("-seed0"), "2"] for run in runs[::2]]
    with pytest.raises(SystemExit) as ending:
        command(monkeypatch, compare, *runs[:2])
    assert ending.value.code == 2
    assert "weak with other seeds, which are one system" in capsys.readouterr().err


def test_runs_on_other_pairs_end_with_status_2(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs: list[Path] = [make_run("a"), make_run("b", num_pairs=500)]
    with pytest.raises(SystemExit) as ending:
        command(monkeypatch, compare, *runs)
    assert ending.value.code == 2
    assert "was scored on other" in capsys.readouterr().err
