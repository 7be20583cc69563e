"""What a training run says: lines, a bar, metrics.jsonl and TensorBoard; only the first process says it."""

import json
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tqdm import tqdm

from engine.run_folder import RunFolder, write_text


class RunLog:
    """Writes the course of training from a step on; lines of later steps, left by a killed run, are cut off.

    A log that does not speak, in all processes but the first, writes nothing.
    """

    def __init__(self, folder: RunFolder, first_step: int, num_steps: int, tensorboard: bool, speaks: bool) -> None:
        self._num_steps = num_steps
        self._bar = tqdm(
            initial=first_step, total=num_steps, unit="step", desc="train", disable=None if speaks else True
        )
        self._course = self._text = None
        self._board = None
        if not speaks:
            return
        _cut_course(folder.course, first_step)
        self._course = folder.course.open("a", encoding="utf-8")
        self._text = folder.log.open("a", encoding="utf-8")
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder.tensorboard), purge_step=first_step + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        for part in (self._course, self._text, self._board):
            if part is not None:
                part.close()

    def line(self, text: str) -> None:
        """Print a line above the bar and keep it in train.log."""
        if self._text is None:
            return
        self._bar.write(text, file=sys.stderr)
        print(time.strftime("%Y-%m-%d %H:%M:%S"), text, file=self._text, flush=True)

    def step_done(self) -> None:
        """Move the bar by a step."""
        self._bar.update()

    def figures(self, step: int, figures: dict[str, float], group: str) -> None:
        """Record figures of a step in metrics.jsonl and TensorBoard and show them."""
        if self._course is None:
            return
        print(json.dumps({"step": step, **figures}), file=self._course, flush=True)
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(f"{group}/{name}", value, step)
        if group == "train" and not self._bar.disable:
            self._bar.set_postfix_str(_brief(figures))
        else:
            self.line(f"step {step}/{self._num_steps}  {_brief(figures)}")


def _brief(figures: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in figures.items())


def _cut_course(course: Path, last_step: int) -> None:
    if not course.exists():
        return
    lines = [line for line in course.read_text(encoding="utf-8").split("\n") if line.endswith("}")]
    kept = [line for line in lines if json.loads(line)["step"] <= last_step]
    write_text(course, "".join(f"{line}\n" for line in kept))
