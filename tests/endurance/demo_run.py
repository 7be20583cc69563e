"""Runs of the demo's size: a minute of the demo's model, which logs, evaluates and saves often."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.endurance.workplace import REPOSITORY, Command, Workplace
from tools.preparation.demo.catalogue import DemoSettings
from tools.preparation.demo.write import write_demo_data

DATA = Path("datasets/demo")
"""Where options/demo.yml looks for the data, from the current folder on."""
NAME = "run"
LOG_EVERY, SAVE_EVERY, EVALUATE_EVERY = 5, 7, 20
PAIRS_A_STEP = {"float32": 32, "float16": 4}
"""Half precision is slow on a CPU."""

DROPOUT = (
    "model.image_encoder.arguments.drop_rate=0.1",
    "model.image_encoder.arguments.drop_path_rate=0.1",
    "model.text_encoder.architecture.hidden_dropout_prob=0.1",
    "model.text_encoder.architecture.attention_probs_dropout_prob=0.1",
)
NumProcesses = Literal[1, 2, 3]
Precision = Literal["float32", "float16"]
Variant = Literal["plain", "accumulated", "dropout"]
VARIANTS: dict[Variant, tuple[str, ...]] = {
    "plain": (),
    "accumulated": ("train.accumulate=2", "data.workers=2"),
    "dropout": (*DROPOUT, "data.workers=2"),
}


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What is trained, on how many processes."""

    num_processes: NumProcesses = 1
    precision: Precision = "float32"
    variant: Variant = "plain"
    steps: int = 60

    @property
    def kind(self) -> str:
        """The processes and the precision."""
        return f"{self.num_processes} process{'es' if self.num_processes > 1 else ''}, {self.precision}"

    @property
    def title(self) -> str:
        """A name for the folders that it runs in."""
        return f"{self.num_processes}_{self.precision}_{self.variant}"

    def overrides(self) -> list[str]:
        """Return what differs from options/demo.yml."""
        stretch = self.num_processes * (2 if self.variant == "accumulated" else 1)
        return [
            *VARIANTS[self.variant],
            f"train.steps={self.steps}",
            f"train.precision={self.precision}",
            f"train.batch_size={PAIRS_A_STEP[self.precision] // stretch}",
            f"train.schedule.periods=[{self.steps}]",
            "train.schedule.warmup_steps=5",
            f"train.log_every={LOG_EVERY}",
            f"train.save_every={SAVE_EVERY}",
            f"train.evaluate_every={EVALUATE_EVERY}",
        ]

    def start(self, place: Workplace, folder: Path, before: tuple[str, ...] = ()) -> Command:
        """Start the run in a folder, or start it again; all have one name, since checkpoints hold it."""
        arguments: list[str | Path] = [REPOSITORY / "train.py", REPOSITORY / "options/demo.yml"]
        arguments += [f"name={NAME}", *self.overrides()]
        return place.start(arguments, num_processes=self.num_processes, folder=folder, before=before)


def make_demo_data(place: Workplace, seed: int = 0, items: int = 500) -> None:
    """Make the data of all demo runs in the folder, unless it is there."""
    if not (place.root / DATA).exists():
        (place.root / DATA).parent.mkdir(parents=True, exist_ok=True)
        write_demo_data(DemoSettings(place.root / DATA, items=items, image_size=48, val_fraction=0.15, seed=seed))


def run_to_the_end(place: Workplace, run: DemoRun, name: str) -> Path:
    """Train without interruption in a folder of this name; return the run's folder.

    Raises:
        RuntimeError: it does not end as it should.
    """
    folder = run_place(place, name)
    status, output = run.start(place, folder).finish()
    if status:
        raise RuntimeError(f"{name} ended with status {status}: {output[-2000:]}")
    return run_folder(folder)


def run_place(place: Workplace, name: str) -> Path:
    """Make a folder to run in, which finds the demo's data where options/demo.yml looks for it."""
    folder = place.root / "runs" / name
    folder.mkdir(parents=True)
    (folder / "datasets").symlink_to(place.root / "datasets")
    return folder


def run_folder(folder: Path) -> Path:
    """Return the folder that a run which was started in a folder writes."""
    return folder / "experiments" / NAME
