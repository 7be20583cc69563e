"""What happens between two training steps: figures, evaluation, checkpoints, and an end where one is asked for."""

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from engine.checkpoint import load_train_state, save_checkpoint
from engine.distributed import any_process, from_every
from engine.encode import encode_items, encoding_plan
from engine.evaluation_view import evaluation_view
from engine.evaluator import evaluation, with_f1_interval
from engine.non_finite import non_finite_error
from engine.pair_scores import score_pairs, validation_scores
from engine.run_log import RunLog
from engine.run_records import BlankImages, write_blank_ids, write_result
from engine.stop_request import StoppedError
from engine.train_loop import StepFigures
from engine.training import TrainingRun, TrainState
from engine.training_model import share_statistics


class AfterStep:
    """Logs, evaluates, saves and stops when it is time; every process calls it after every step."""

    def __init__(self, run: TrainingRun, state: TrainState, log: RunLog, blank_images: BlankImages) -> None:
        self._run = run
        self._options = run.options.train
        self._plan = encoding_plan(run.options, self._options.precision, run.processes.device)
        self._state = state
        self._log = log
        self._blank_images = blank_images
        self._logged_step = state.step
        self._logged_seconds = time.perf_counter()

    def __call__(self, figures: StepFigures) -> None:
        """Do what is due after this step.

        Raises UserError where going on is of no use, and StoppedError, once all is saved, where any process is asked to
        stop.
        """
        options, step = self._options, self._state.step
        is_last = step == options.steps
        logs = step % options.log_every == 0
        evaluates = step % options.evaluate_every == 0 or is_last
        saves = step % options.save_every == 0 or is_last
        self._state.evaluation = self._state.validation = None
        self._log.step_done()
        if logs or evaluates or saves:
            self._stop_on_bad_numbers()
        if logs:
            self._log_figures(figures)
        started = time.perf_counter()
        saved = self._evaluate_and_save(evaluates, saves)
        # Pairs per second are those of training alone.
        self._logged_seconds += time.perf_counter() - started
        if self._run.stop.agreed() and not is_last:
            self._stop_on_bad_numbers()  # nothing that is not finite gets into a checkpoint
            self._stop(saved)

    def evaluate_anew(self, checkpoint: Path) -> None:
        """Evaluate a checkpoint of the run on the validation data of now, and write it again with what is found.

        The state is that of the checkpoint then, with the best step among those that were evaluated anew.
        """
        state = self._state
        best = state.best_f1, state.best_step
        load_train_state(checkpoint, state, self._run.processes)
        state.best_f1, state.best_step = best
        state.evaluation = state.validation = None
        self._evaluate_and_save(evaluates=True, saves=True)

    def finish_evaluation(self) -> None:
        """Evaluate the step that a resumed run begins with, where it was stopped in that or is the last one now."""
        state = self._state
        is_over = state.step >= self._options.steps and state.evaluation is None
        if state.evaluation_due or is_over:
            self._evaluate_and_save(evaluates=True, saves=True)

    def _evaluate_and_save(self, evaluates: bool, saves: bool) -> bool:
        """Return whether a checkpoint was written; raises StoppedError where the evaluation is broken off."""
        state = self._state
        state.evaluation_due = evaluates
        if evaluates:
            try:
                self._evaluate()
            except StoppedError:
                self._stop(saved=False)
            state.evaluation_due = False
            # Only the first process knows whether this is the best.
            saves = any_process(saves or state.best_step == state.step)
        if saves:
            self._save()
        return saves

    def _stop(self, saved: bool) -> NoReturn:
        if not saved:
            self._save()
        # Nobody ends while the first process writes, since torchrun would end it then.
        any_process(False)
        raise StoppedError(
            f"step {self._state.step} of {self._options.steps} is saved; run the same command again to go on"
        )

    def _stop_on_bad_numbers(self) -> None:
        """Raise UserError after a step that was not finite, or too many overflow steps in a row, in float16.

        Both are the same on all processes.
        """
        state = self._state
        first_step = state.guard.first_step()
        if first_step is not None:
            raise non_finite_error(
                self._run,
                state,
                first_step,
                f"the loss or its gradient is not a finite number in step {first_step + 1}",
                "Try a lower train.optimizer.lr, a train.clip_norm, warm-up, or float32.",
            )
        in_a_row = state.overflow.read().in_a_row if state.scaler.is_enabled() else 0
        if in_a_row >= self._options.max_overflow_steps:
            raise non_finite_error(
                self._run,
                state,
                state.step - 1,
                f"the last {in_a_row} steps up to step {state.step} overflowed in float16 and changed no weights "
                f"(loss scale {state.scaler.get_scale():.3g})",
                "Set train.precision to bfloat16 or float32, try a lower train.optimizer.lr or warm-up, or raise "
                "train.max_overflow_steps.",
            )

    def _log_figures(self, figures: StepFigures) -> None:
        state = self._state
        loss = self._mean_loss()  # waits for the device, up to which the time is taken
        seconds = time.perf_counter() - self._logged_seconds
        num_pairs = (state.step - self._logged_step) * self._run.identity.pairs_per_step
        self._logged_step, self._logged_seconds = state.step, time.perf_counter()
        shown = {
            "loss": loss,
            "gradient_norm": float(figures.gradient_norm.item()),
            "learning_rate": figures.learning_rate,
            "pairs_per_second": num_pairs / seconds,
        }
        if state.scaler.is_enabled():
            shown |= {"overflow_steps": state.overflow.read().total, "loss_scale": state.scaler.get_scale()}
        self._log.train_figures(state.step, shown)

    def _mean_loss(self) -> float:
        """Return the mean loss of the interval's steps, those that overflowed left out; not a number if all did."""
        state = self._state
        overflow = state.overflow.read()
        num_steps = state.loss_steps - overflow.unlogged
        loss_sums = from_every(float(state.loss_sum.item()))
        state.loss_sum.zero_()
        state.loss_steps = 0
        state.overflow.restore(replace(overflow, unlogged=0))
        return sum(loss_sums) / len(loss_sums) / num_steps if num_steps > 0 else math.nan

    def _evaluate(self) -> None:
        """Evaluate on the validation split; the first process keeps the figures, and whether they are the best."""
        state, split = self._state, self._run.val_split
        encoder = state.model.item_encoder
        share_statistics(encoder)  # as they are saved and predicted with
        items = encode_items(encoder, split.items, self._plan, self._run.processes, "validate", self._run.stop)
        blank_train = self._blank_images.item_ids()
        if items is None:
            return
        assert split.pairs.same is not None
        scores = score_pairs(items, split.pairs, encoder.threshold_width)
        margins = scores.margin
        state.validation = validation_scores(split, scores)
        figures = evaluation(margins, split.pairs.same, state.model.loss.decision_threshold)
        state.evaluation = with_f1_interval(figures, margins, split.pairs)
        self._log.val_figures(state.step, state.evaluation.as_dict())
        if self._log.has_dashboards:
            self._log.evaluation(state.step, evaluation_view(split, margins, state.evaluation.best_possible_threshold))
        blank_val = [split.catalog[row].item_id for row in items.blank_image.nonzero().flatten().tolist()]
        self._blank_images.validation = blank_val
        if blank_train or blank_val:
            self._log.line(
                f"unreadable images replaced so far: {len(blank_train)} in train, {len(blank_val)} in val; "
                f"their items are in {self._run.folder.blank_images}"
            )
        if state.evaluation.best_possible_f1 > state.best_f1:
            state.best_f1, state.best_step = state.evaluation.best_possible_f1, state.step

    def _save(self) -> None:
        """Write a checkpoint, in the first process; what goes on from it is on the disk before it."""
        state, run = self._state, self._run
        loss_sums = from_every(float(state.loss_sum.item()))
        blank_train = self._blank_images.item_ids()
        if not run.processes.is_first:
            return
        write_blank_ids(run.folder, blank_train, self._blank_images.validation)
        self._log.sync()
        save_checkpoint(run.folder.checkpoints, state, loss_sums, run.identity, self._options.keep_checkpoints)
        if state.evaluation is not None and state.best_step == state.step:
            write_result(run.folder, state.step, state.evaluation)
