"""The folder of a run and the names in it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RUNS = Path("experiments")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """experiments/<name>/"""

    root: Path

    @property
    def options(self) -> Path:
        """The options as resolved."""
        return self.root / "options.yml"

    @property
    def command(self) -> Path:
        """The commands that ran here, one a line."""
        return self.root / "command.txt"

    @property
    def environment(self) -> Path:
        """Versions and machine of the last start."""
        return self.root / "environment.json"

    @property
    def log(self) -> Path:
        """What was printed."""
        return self.root / "train.log"

    @property
    def course(self) -> Path:
        """A line a log interval or evaluation."""
        return self.root / "metrics.jsonl"

    @property
    def result(self) -> Path:
        """The evaluation of the best checkpoint."""
        return self.root / "metrics.json"

    @property
    def blank_images(self) -> Path:
        """Ids of the items whose unreadable images were replaced."""
        return self.root / "blank_images.json"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard event files."""
        return self.root / "tensorboard"

    @property
    def wandb_id(self) -> Path:
        """Id of the run on Weights & Biases."""
        return self.root / "wandb_id.txt"

    @property
    def checkpoints(self) -> Path:
        """A folder a checkpoint."""
        return self.root / "checkpoints"

    @property
    def non_finite(self) -> Path:
        """The state before a step whose loss or gradient was not finite."""
        return self.root / "non_finite"

    @property
    def lock(self) -> Path:
        """Held by the run that trains here."""
        return self.root / ".lock"

    @property
    def predictions(self) -> Path:
        """Submission files."""
        return self.root / "predictions"


def run_folder(name: str) -> RunFolder:
    """Return the folder of the run of this name, which need not exist."""
    return RunFolder(RUNS / name)


def write_text(file: Path, text: str) -> None:
    """Write a file whole or not at all, creating its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.writing")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)


def write_json(file: Path, content: Mapping[str, object]) -> None:
    """Write a JSON object, whole or not at all."""
    write_text(file, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
