"""What happens between two training steps: figures, evaluation, checkpoints."""

import math
import time
from dataclasses import replace

from data.loading import Split
from engine.blank_images import BlankImages
from engine.checkpoint import save_checkpoint
from engine.distributed import Processes, mean_over_processes
from engine.encode import EncodingPlan, encode_items
from engine.evaluation_view import evaluation_view
from engine.evaluator import Evaluation, evaluation, pair_margins
from engine.experiment import ExperimentOptions
from engine.run_folder import RunFolder, write_json
from engine.run_log import RunLog
from engine.train_loop import StepFigures
from engine.train_state import TrainState
from options.errors import UserError


class AfterStep:
    """Logs, evaluates and saves when their step has come; every process calls it after every step."""

    def __init__(
        self,
        options: ExperimentOptions,
        state: TrainState,
        val_split: Split,
        folder: RunFolder,
        log: RunLog,
        blank_images: BlankImages,
        processes: Processes,
    ) -> None:
        self._options = options.train
        self._plan = EncodingPlan(options.evaluate.batch_size, options.data.workers, options.train.precision)
        self._state = state
        self._val_split = val_split
        self._folder = folder
        self._log = log
        self._blank_images = blank_images
        self._processes = processes
        self._logged_step = state.step
        self._logged_seconds = time.perf_counter()

    def __call__(self, figures: StepFigures) -> None:
        """Do what is due after this step; raises UserError where going on is of no use."""
        options, state = self._options, self._state
        is_last = state.step == options.steps
        logs = state.step % options.log_every == 0
        evaluates = state.step % options.evaluate_every == 0 or is_last
        saves = state.step % options.save_every == 0 or is_last
        state.evaluation = None
        self._log.step_done()
        if logs or evaluates:
            self._stop_on_overflow(figures)
        if logs:
            self._log_figures(figures)
        started = time.perf_counter()
        is_best = evaluates and self._evaluate()
        if (saves or is_best) and self._processes.is_first:
            self._save(is_best)
        # Pairs per second are those of training alone.
        self._logged_seconds += time.perf_counter() - started

    def _stop_on_overflow(self, figures: StepFigures) -> None:
        """Raise UserError after too many overflow steps in a row, which all processes count alike."""
        state = self._state
        in_a_row = state.overflow.read().in_a_row if state.scaler.is_enabled() else 0
        if in_a_row >= self._options.max_overflow_steps:
            raise UserError(
                f"the last {in_a_row} steps up to step {state.step} overflowed in float16 and changed no weights "
                f"(loss scale {state.scaler.get_scale():.3g}, learning rate {figures.learning_rate:.3g}); the last "
                "checkpoint is kept. Set train.precision to bfloat16 or float32, try a lower train.optimizer.lr or "
                "warm-up, or raise train.max_overflow_steps."
            )

    def _log_figures(self, figures: StepFigures) -> None:
        state, options = self._state, self._options
        loss = self._mean_loss(figures)  # waits for the device, up to which the time is taken
        seconds = time.perf_counter() - self._logged_seconds
        num_pairs = (state.step - self._logged_step) * options.batch_size * options.accumulate * self._processes.count
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

    def _mean_loss(self, figures: StepFigures) -> float:
        """Return the mean loss of the interval's steps, those that overflowed left out; not a number if all did."""
        state = self._state
        overflow = state.overflow.read()
        num_steps = self._options.log_every - overflow.unlogged
        loss_sum = float(mean_over_processes(state.loss_sum).item())
        state.loss_sum.zero_()
        state.overflow.restore(replace(overflow, unlogged=0))
        if not math.isfinite(loss_sum):
            raise UserError(
                f"the loss is {'not a number' if math.isnan(loss_sum) else 'infinite'} after step {state.step} "
                f"(learning rate {figures.learning_rate:.3g}); the last checkpoint is kept. "
                "Try a lower train.optimizer.lr, a train.clip_norm, warm-up, or float32."
            )
        return loss_sum / num_steps if num_steps > 0 else math.nan

    def _evaluate(self) -> bool:
        """Evaluate on the validation split; return whether it is the best so far (in the first process)."""
        state, split = self._state, self._val_split
        encoder = state.model.item_encoder
        items = encode_items(encoder, split.items, self._plan, self._processes, "validate")
        blank_train = self._blank_images.item_ids()
        if items is None:
            return False
        assert split.pairs.same is not None
        margins = pair_margins(items, split.pairs, encoder.threshold_width)
        state.evaluation = evaluation(margins, split.pairs.same, state.model.loss.decision_threshold)
        self._log.val_figures(state.step, state.evaluation.as_dict())
        if self._log.has_dashboards:
            self._log.evaluation(state.step, evaluation_view(split, margins, state.evaluation.calibrated_threshold))
        blank_val = [split.catalog[row].item_id for row in items.blank_image.nonzero().flatten().tolist()]
        self._report_blank_images(blank_train, blank_val)
        is_best = state.evaluation.calibrated_f1 > state.best_f1
        state.best_f1 = max(state.best_f1, state.evaluation.calibrated_f1)
        return is_best

    def _report_blank_images(self, train: list[str], val: list[str]) -> None:
        if train or val:
            write_json(self._folder.blank_images, {"train": train, "val": val})
            self._log.line(
                f"unreadable images replaced so far: {len(train)} in train, {len(val)} in val; "
                f"their items are in {self._folder.blank_images}"
            )

    def _save(self, is_best: bool) -> None:
        save_checkpoint(self._folder.checkpoints, self._state, self._options.keep_checkpoints, is_best)
        if is_best and self._state.evaluation is not None:
            write_json(self._folder.result, result_record(self._state.step, self._state.evaluation))


def result_record(step: int, figures: Evaluation) -> dict[str, object]:
    """Return what metrics.json holds of the best checkpoint."""
    return {"step": step, **figures.as_dict()}
