import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.endurance.run_comparison import differences

BEST, MIDDLE, FINAL = "step_00000004", "step_00000006", "step_00000008"


def write_run(folder: Path, speed: float) -> Path:
    for name in (BEST, MIDDLE, FINAL):
        checkpoint = folder / "checkpoints" / name
        checkpoint.mkdir(parents=True)
        (checkpoint / "state.json").write_text(json.dumps({"best_step": 4}))
        (checkpoint / "training.safetensors").write_bytes(name.encode())
    lines = [{"step": step, "loss": 1 / step, "pairs_per_second": speed} for step in (2, 4, 6, 8)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "metrics.json").write_text("{}")
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    return write_run(tmp_path / "reference", 1.0), write_run(tmp_path / "run", 2.0)


def change_lines(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def changed(run: Path) -> None:
        lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
        (run / "metrics.jsonl").write_text("".join(change(lines)))

    return changed


DEVIATIONS: dict[str, Callable[[Path], object]] = {
    "a byte of the best checkpoint": lambda run: (run / f"checkpoints/{BEST}/training.safetensors").write_bytes(b"x"),
    "a file too many": lambda run: (run / f"checkpoints/{FINAL}/more").write_bytes(b""),
    "a file too few": lambda run: (run / f"checkpoints/{FINAL}/training.safetensors").unlink(),
    "no final checkpoint": lambda run: shutil.rmtree(run / f"checkpoints/{FINAL}"),
    "another best": lambda run: (run / f"checkpoints/{FINAL}/state.json").write_text('{"best_step": 6}'),
    "the result": lambda run: (run / "metrics.json").write_text('{"f1": 1}'),
    "a line missing": change_lines(lambda lines: lines[:1] + lines[2:]),
    "a line repeated": change_lines(lambda lines: lines[:2] + lines[1:]),
    "the last line missing": change_lines(lambda lines: lines[:-1]),
    "the last bit of a loss": change_lines(
        lambda lines: [line.replace("0.25,", "0.25000000000000006,") for line in lines]
    ),
}  # fmt: skip


def test_runs_that_differ_in_speed_alone_are_the_same(runs: tuple[Path, Path]) -> None:
    assert differences(*runs) == []


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_every_deviation_is_found(runs: tuple[Path, Path], deviation: str) -> None:
    DEVIATIONS[deviation](runs[1])
    assert differences(*runs)


def test_a_middle_checkpoint_that_a_kill_left_over_is_no_difference(runs: tuple[Path, Path]) -> None:
    (runs[1] / "checkpoints" / MIDDLE / "training.safetensors").unlink()
    assert differences(*runs) == []
