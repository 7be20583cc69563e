import io
import json
import math
import sys
from pathlib import Path

import pytest

from engine.dashboard import Dashboard
from engine.evaluation_view import EvaluationView
from engine.run_folder import RunFolder
from engine.run_log import RunLog

FIGURES = {"loss": 0.5, "gradient_norm": 2.0, "learning_rate": 2e-6, "pairs_per_second": 12.34}


class Terminal(io.StringIO):
    """Standard error of a terminal."""

    def isatty(self) -> bool:
        return True


class Recorder:
    """A dashboard that keeps what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, dict[str, float]]] = []
        self.failed: bool | None = None

    def figures(self, step: int, figures: dict[str, float]) -> None:
        self.shown.append((step, dict(figures)))

    def evaluation(self, step: int, view: EvaluationView) -> None:
        raise AssertionError

    def close(self, failed: bool) -> None:
        self.failed = failed


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def run_log(folder: RunFolder, *dashboards: Dashboard, first_step: int = 0, speaks: bool = True) -> RunLog:
    return RunLog(folder, first_step, 100, dashboards, speaks)


def course(folder: RunFolder) -> list[dict[str, float]]:
    return [json.loads(line) for line in folder.course.read_text(encoding="utf-8").splitlines()]


def test_off_a_terminal_log_intervals_are_plain_lines_and_no_bar_is_printed(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_log(folder) as log:
        for step in (1, 2):
            log.step_done()
            log.train_figures(step, FIGURES)
        log.val_figures(2, {"f1": 0.75})
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    line = "loss 0.5  gradient_norm 2  learning_rate 2e-06  pairs_per_second 12.34"
    assert stderr.splitlines() == [f"step 1/100  {line}", f"step 2/100  {line}", "step 2/100  f1 0.75"]


def test_on_a_terminal_a_bar_shows_loss_learning_rate_speed_and_time_left(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with run_log(folder, first_step=50) as log:
        log.step_done()
        log.train_figures(51, FIGURES)
    last = terminal.getvalue().split("\r")[-1]
    assert "51/100 [00:00<00:0" in last
    assert "loss 0.5000, lr 2e-06, 12.3 pairs/s]" in last
    assert "step 51" not in last


def test_train_log_has_every_line_also_those_that_a_terminal_shows_on_the_bar(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with run_log(folder) as log:
        log.line("starts")
        log.train_figures(1, FIGURES)
        log.val_figures(1, {"f1": 0.75})
    kept = [line[len("2026-01-01 00:00:00 ") :] for line in folder.log.read_text(encoding="utf-8").splitlines()]
    assert kept[0] == "starts"
    assert kept[1].startswith("step 1/100  loss 0.5  ")
    assert kept[2] == "step 1/100  f1 0.75"


def test_figures_that_are_not_finite_are_left_out_everywhere(folder: RunFolder) -> None:
    board = Recorder()
    with run_log(folder, board) as log:
        log.train_figures(1, {**FIGURES, "loss": math.nan, "gradient_norm": math.inf})
    finite = {"learning_rate": 2e-6, "pairs_per_second": 12.34}
    assert course(folder) == [{"step": 1, **finite}]
    assert board.shown == [(1, {f"train/{name}": value for name, value in finite.items()})]


def test_a_bar_without_a_loss_shows_the_rest(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with run_log(folder) as log:
        log.train_figures(1, {**FIGURES, "loss": math.nan})
    assert ", lr 2e-06, 12.3 pairs/s]" in terminal.getvalue().split("\r")[-1]


def test_lines_of_later_steps_and_torn_ones_are_cut_off_when_a_run_goes_on(folder: RunFolder) -> None:
    folder.course.write_text('{"step": 2, "loss": 1.0}\n{"step": 4, "loss": 0.5}\n{"step": 5, "lo')
    with run_log(folder, first_step=3) as log:
        log.train_figures(4, {**FIGURES, "loss": 0.75})
    assert [(line["step"], line["loss"]) for line in course(folder)] == [(2, 1.0), (4, 0.75)]


@pytest.mark.parametrize(
    "line",
    ["{}", '{"step": "3"}', '{"step": true}', '{"step": NaN}', "[3]", f'{{"step": {"9" * 5000}}}', "[" * 100_000],
)
def test_lines_that_are_no_records_do_not_keep_a_run_from_going_on(folder: RunFolder, line: str) -> None:
    folder.course.write_bytes(b'{"step": 2, "loss": 1.0}\n' + line.encode() + b"\n\xff}\n")
    with run_log(folder, first_step=3):
        pass
    assert folder.course.read_text() == '{"step": 2, "loss": 1.0}\n'


def test_dashboards_learn_whether_training_failed(folder: RunFolder) -> None:
    board = Recorder()
    with run_log(folder, board):
        pass
    assert board.failed is False

    def fail() -> None:
        with run_log(folder, board):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert board.failed is True


def test_all_processes_but_the_first_are_silent(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with run_log(folder, speaks=False) as log:
        log.line("starts")
        log.step_done()
        log.train_figures(1, FIGURES)
        log.val_figures(1, {"f1": 0.75})
    assert capsys.readouterr() == ("", "")
    assert not list(folder.root.iterdir())


def test_a_line_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path)
    with RunLog(folder, 0, 1, (), True) as log:
        log.line("an item \x1b[2J\u202e of others\nand a second line")
    for text in (capsys.readouterr().err, folder.log.read_text(encoding="utf-8")):
        assert "an item \\x1b[2J\\u202e of others\nand a second line" in text
