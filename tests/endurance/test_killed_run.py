import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.endurance.demo_run import DemoRun, make_demo_data
from tests.endurance.killed_run import kill_runs
from tests.endurance.workplace import Command, Workplace

TRAINING = """
import json, os, sys, time
from pathlib import Path

folder, forgets = Path("experiments/run"), sys.argv[1] == "forgets"
(folder / "checkpoints").mkdir(parents=True, exist_ok=True)
saved = sorted((folder / "checkpoints").glob("step_*"))
step, total = json.loads((saved[-1] / "state.json").read_text())["state"] if saved else (0, 0)
if forgets and saved:
    total = 0
course = folder / "metrics.jsonl"
lines = course.read_text().splitlines(keepends=True) if course.exists() else []
course.write_text("".join(line for line in lines if line.endswith("\\n") and json.loads(line)["step"] <= step))
with (folder / "train.log").open("a") as log:
    print(f"x goes on from y at step {step} of 40: " if saved else f"x starts at step {step} of 40: ", file=log)
while step < 40:
    time.sleep(0.02)
    step, total = step + 1, total + step
    if step % 5 == 0:
        with course.open("a") as stream:
            print(json.dumps({"step": step, "learning_rate": 1, "loss": total}), file=stream)
        temporary = folder / "checkpoints" / f".writing_step_{step:08d}"
        temporary.mkdir(exist_ok=True)
        (temporary / "state.json").write_text(json.dumps({"best_step": step, "state": [step, total]}))
        temporary.rename(folder / "checkpoints" / f"step_{step:08d}")
(folder / "metrics.json").write_text("{}")
"""


@dataclass(frozen=True)
class StandIn:
    """Counts instead of training, and may forget its count when it goes on."""

    script: Path
    title: str
    steps: int = 40
    num_processes: int = 1

    def start(self, place: Workplace, folder: Path) -> Command:
        return place.start([self.script, self.title], folder=folder)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    place = Workplace(tmp_path)
    yield place
    place.close()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "training.py").write_text(TRAINING)
    return tmp_path / "training.py"


def test_kills_of_a_run_that_remembers_all_pass(place: Workplace, script: Path) -> None:
    tally = kill_runs(place, StandIn(script, "remembers"), 4, random.Random(1), lambda: None)
    assert tally.faults == ()
    assert (tally.kills, tally.passed, sum(tally.aims.values())) == (4, 4, 4)


def test_a_run_that_forgets_something_when_it_goes_on_is_found_out(place: Workplace, script: Path) -> None:
    tally = kill_runs(place, StandIn(script, "forgets"), 4, random.Random(1), lambda: None)
    assert tally.passed < tally.kills == 4
    assert any("metrics.jsonl" in fault for fault in tally.faults)


def test_a_run_that_cannot_be_started_is_a_fault(place: Workplace, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit('no such thing')")
    tally = kill_runs(place, StandIn(tmp_path / "broken.py", "broken"), 2, random.Random(1), lambda: None)
    assert "no such thing" in tally.faults[0]


@dataclass(frozen=True, slots=True)
class SmallRun(DemoRun):
    """Takes few pairs a step, since most of it is starting three times."""

    def overrides(self) -> list[str]:
        return [*DemoRun.overrides(self), "train.batch_size=8", "log.tensorboard=false"]


def test_a_small_training_that_is_killed_ends_with_the_same_bits(place: Workplace) -> None:
    make_demo_data(place, items=60)
    tally = kill_runs(place, SmallRun(steps=14), 1, random.Random(2), lambda: None)
    assert tally.faults == ()
    assert tally.passed == 1
