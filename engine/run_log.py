"""What a training run says: lines, a bar, metrics.jsonl and dashboards; only the first process says it."""

import json
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tqdm import tqdm

from engine.checkpoint_folder import StepRecord
from engine.dashboard import Dashboard
from engine.disk import json_record, write_text, writing
from engine.evaluation_view import EvaluationView
from engine.run_folder import RunFolder
from options.printable import printable

BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class RunLog:
    """Writes the course of training from a step on; lines of later steps, left by a killed run, are cut off.

    On a terminal a bar shows where training is; elsewhere every log interval is a plain line. A log that does not
    speak, in all processes but the first, writes nothing. It closes the dashboards.
    """

    def __init__(
        self, folder: RunFolder, first_step: int, num_steps: int, dashboards: Sequence[Dashboard], speaks: bool
    ) -> None:
        self._folder = folder
        self._num_steps = num_steps
        self._bar = tqdm(
            initial=first_step,
            total=num_steps,
            bar_format=BAR,
            # The time left follows from the mean speed, which has the evaluations in it.
            smoothing=0,
            disable=None if speaks else True,
        )
        self._dashboards = dashboards
        self._course = self._text = None
        if speaks:
            with writing(folder.root):
                _cut_course(folder.course, first_step)
                self._course = folder.course.open("a", encoding="utf-8")
                self._text = folder.log.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        for file in (self._course, self._text):
            if file is not None:
                file.close()
        for dashboard in self._dashboards:
            dashboard.close(failed=error is not None)

    def sync(self) -> None:
        """Have the figures so far outlive the machine; a checkpoint that goes on from here comes after them."""
        if self._course is not None:
            with writing(self._folder.course):
                os.fsync(self._course.fileno())

    @property
    def has_dashboards(self) -> bool:
        """Whether an evaluation's view is shown anywhere."""
        return len(self._dashboards) > 0

    def line(self, text: str) -> None:
        """Print a line above the bar, without characters that steer a terminal, and keep it in train.log."""
        if self._text is not None:
            shown = printable(text)
            self._bar.write(shown, file=sys.stderr)
            self._keep(shown)

    def step_done(self) -> None:
        """Move the bar by a step."""
        self._bar.update()

    def train_figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Record figures of the last log interval; those that are not finite are left out.

        Shows loss, learning_rate and pairs_per_second of them on the bar, or all as a line where there is none.
        """
        finite = self._record(step, figures, "train")
        if self._bar.disable:
            self.line(self._step_line(step, finite))
        else:
            self._bar.set_postfix_str(_on_bar(finite))
            self._keep(self._step_line(step, finite))

    def val_figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Record figures of an evaluation and print them."""
        self.line(self._step_line(step, self._record(step, figures, "val")))

    def evaluation(self, step: int, view: EvaluationView) -> None:
        """Show on the dashboards what is worth looking at in an evaluation."""
        for dashboard in self._dashboards:
            dashboard.evaluation(step, view)

    def _record(self, step: int, figures: Mapping[str, float], group: str) -> dict[str, float]:
        finite = {name: value for name, value in figures.items() if math.isfinite(value)}
        if self._course is not None:
            with writing(self._folder.course):
                print(json.dumps({"step": step, **finite}), file=self._course, flush=True)
        for dashboard in self._dashboards:
            dashboard.figures(step, {f"{group}/{name}": value for name, value in finite.items()})
        return finite

    def _step_line(self, step: int, figures: Mapping[str, float]) -> str:
        return f"step {step}/{self._num_steps}  " + "  ".join(f"{name} {value:.4g}" for name, value in figures.items())

    def _keep(self, text: str) -> None:
        if self._text is not None:
            with writing(self._folder.log):
                print(time.strftime("%Y-%m-%d %H:%M:%S"), text, file=self._text, flush=True)


def _on_bar(figures: Mapping[str, float]) -> str:
    parts = [f"loss {figures['loss']:.4f}"] if "loss" in figures else []
    return ", ".join([*parts, f"lr {figures['learning_rate']:.3g}", f"{figures['pairs_per_second']:.3g} pairs/s"])


def _cut_course(course: Path, last_step: int) -> None:
    if not course.exists():
        return
    lines = course.read_text(encoding="utf-8", errors="replace").split("\n")
    write_text(course, "".join(f"{line}\n" for line in lines if _is_until(line, last_step)))


def _is_until(line: str, last_step: int) -> bool:
    """Return whether a line is a record, which a killed run may have cut off, of a step up to the last one."""
    try:
        return json_record(line, StepRecord).step <= last_step
    except ValueError:
        return False
