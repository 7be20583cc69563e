"""Options of the training, evaluation, prediction and log sections."""

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from options.base import NamedPath, Options

Precision = Literal["float32", "bfloat16", "float16"]
Betas = tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
PositiveInt = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]


class OptimizerOptions(Options):
    """The optimizer."""

    name: Literal["adam", "adamw"] = "adam"
    """adam adds weight decay to the gradient; adamw decouples it (arXiv 1711.05101)."""
    lr: PositiveFloat = 2e-6
    """Base learning rate, which the schedule scales."""
    weight_decay: NonNegativeFloat = 1e-6
    """Weight decay."""
    betas: Betas = (0.9, 0.999)
    """Decay rates of the two moments."""


class ScheduleOptions(Options):
    """What every schedule has."""

    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the learning rate rises linearly from 0; 0 for none."""

    def learning_rate(self, base: float, step: int) -> float:
        """Return the learning rate of the optimizer step `step`, counted from 0.

        Without warm-up step 0 has the rate at the schedule's start, and the schedule advances by one with each
        later step. During warm-up the rate rises linearly to base; the schedule runs on meanwhile.
        """
        return base * (step + 1) / self.warmup_steps if step < self.warmup_steps else self._scheduled(base, step)

    def _scheduled(self, base: float, step: int) -> float:
        return base


class ConstantOptions(ScheduleOptions):
    """The base learning rate throughout."""

    name: Literal["constant"]
    """Kind of schedule."""


class CosineRestartsOptions(ScheduleOptions):
    """Cosine annealing with restarts (arXiv 1608.03983)."""

    name: Literal["cosine_restarts"]
    """Kind of schedule."""
    periods: tuple[PositiveInt, ...] = Field(min_length=1)
    """Length of each period in steps; after the last one the learning rate stays at min_lr."""
    restart_weights: tuple[PositiveFloat, ...] = (1.0,)
    """Factor of the learning rate in each period, as many as periods."""
    min_lr: NonNegativeFloat = 0.0
    """Learning rate at the end of each period."""

    @model_validator(mode="after")
    def _one_weight_each(self) -> Self:
        if len(self.restart_weights) != len(self.periods):
            raise ValueError(
                f"restart_weights must have one number for each of the {len(self.periods)} periods, "
                f"it has {len(self.restart_weights)}; 1.0 leaves a period's learning rate as it is"
            )
        return self

    def _scheduled(self, base: float, step: int) -> float:
        """Return equation 5 of arXiv 1608.03983, times the period's weight.

        The step at which a period ends belongs to it and has min_lr; the next period begins at its own step 1.
        """
        ends = list(accumulate(self.periods))
        if step >= ends[-1]:
            return self.min_lr
        index = bisect_left(ends, step)
        period = self.periods[index]
        elapsed = step - (ends[index] - period)
        amplitude = self.restart_weights[index] * (base - self.min_lr)
        return self.min_lr + amplitude * 0.5 * (1 + math.cos(math.pi * elapsed / period))


class MultiStepRestartsOptions(ScheduleOptions):
    """A factor at each milestone, back to the base learning rate at each restart."""

    name: Literal["multi_step_restarts"]
    """Kind of schedule."""
    milestones: tuple[PositiveInt, ...]
    """Steps at which the learning rate is multiplied by gamma."""
    gamma: PositiveFloat = 0.1
    """Factor at each milestone."""
    restarts: tuple[PositiveInt, ...] = ()
    """Steps at which the learning rate starts again from the base."""
    restart_weights: tuple[PositiveFloat, ...] = ()
    """Factor of the base learning rate from each restart on, as many as restarts."""

    @model_validator(mode="after")
    def _one_weight_each(self) -> Self:
        if len(self.restart_weights) != len(self.restarts):
            raise ValueError(
                f"restart_weights must have one number for each of the {len(self.restarts)} restarts, "
                f"it has {len(self.restart_weights)}; 1.0 restarts at the base learning rate"
            )
        return self

    @model_validator(mode="after")
    def _restarts_ascend(self) -> Self:
        if list(self.restarts) != sorted(set(self.restarts)):
            raise ValueError(
                f"restarts must ascend, each step once, but are {list(self.restarts)}; "
                f"sort them, and their restart_weights with them"
            )
        return self

    def _scheduled(self, base: float, step: int) -> float:
        """Return the weighted base times gamma for each milestone since the latest restart.

        A milestone given twice counts twice; one that coincides with a restart does not count.
        """
        num_restarts = bisect_right(self.restarts, step)
        start, weight = 0, 1.0
        if num_restarts:
            start, weight = self.restarts[num_restarts - 1], self.restart_weights[num_restarts - 1]
        num_milestones = sum(start < milestone <= step for milestone in self.milestones)
        return base * weight * self.gamma**num_milestones


AnyScheduleOptions = Annotated[
    ConstantOptions | CosineRestartsOptions | MultiStepRestartsOptions, Field(discriminator="name")
]


class TrainOptions(Options):
    """How the model is trained."""

    steps: PositiveInt
    """Optimizer steps."""
    batch_size: PositiveInt = 4
    """Pairs a process takes at once."""
    positive_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Share of each batch's pairs that are labelled the same, at least one of either label; null for the pairs as they
    come. Where one pair in ten is the same product, most steps else hardly see any."""
    accumulate: PositiveInt = 1
    """Batches whose gradients are added up before each optimizer step."""
    precision: Precision = "float32"
    """Type of the encoders' arithmetic; losses and weights stay float32. In float16 a step whose gradient overflows
    leaves the weights alone; it counts as a step all the same."""
    max_overflow_steps: PositiveInt = 20
    """Overflow steps in a row, seen when a line, an evaluation or a checkpoint is due, that end the run."""
    optimizer: OptimizerOptions = OptimizerOptions()
    """The optimizer."""
    schedule: AnyScheduleOptions = ConstantOptions(name="constant")
    """The learning rate by step."""
    clip_norm: PositiveFloat | None = None
    """Largest norm of the whole gradient; null for no clipping."""
    frozen_features: NamedPath | None = None
    """Folder in which the features of encoders that are frozen as a whole are kept, each computed once for what the
    encoder reads, also for other runs; a run reads them into memory. Null to compute them in each step."""
    activation_checkpointing: bool = False
    """Whether activations are computed again in the backward pass, to save memory."""
    compile: bool = False
    """Whether torch.compile compiles the encoders when they first run, which takes minutes; without a compiler on
    the machine, training goes on uncompiled with a warning."""
    log_every: PositiveInt = 100
    """Steps between two log lines."""
    evaluate_every: PositiveInt = 2000
    """Steps between two evaluations on the validation split; the last step is always evaluated."""
    save_every: PositiveInt = 2000
    """Steps between two checkpoints; the last step and a new best are always saved."""
    keep_checkpoints: PositiveInt = 3
    """Latest checkpoints kept, besides the best."""

    @model_validator(mode="after")
    def _batches_have_room_for_both_labels(self) -> Self:
        if self.positive_share is not None and self.batch_size < 2:
            raise ValueError("positive_share needs a batch_size of at least 2: a pair of either label")
        return self


class EvaluateOptions(Options):
    """How the items of a split are encoded, in validation and prediction."""

    batch_size: PositiveInt = 64
    """Most items a process encodes at once; on the CPU no more than have as many pixels as 16 images of 224 x 224."""


class PredictOptions(Options):
    """What predict.sh does."""

    split: Literal["train", "val", "test"] = "test"
    """Split to predict."""
    checkpoint: str = "best"
    """best, latest, or the path of a checkpoint."""
    threshold: float | Literal["calibrated", "learned"] = "learned"
    """Margin above which a pair is the same product: a number; calibrated, the rule that bash run.sh study calibrate
    chose for the checkpoint, else the threshold of the highest F1 on the validation split; or learned, the loss's own,
    which is 0 for self_adaptive_threshold."""
    decider: Literal["trees"] | None = None
    """Second stage, fitted when training ends: trees for boosted trees that see the margin, words, model numbers,
    prices, attributes and colours (docs/accuracy.md). predict.threshold is one of its log-odds then: calibrated for
    that of the highest F1 on the validation split, learned for 0. Null to decide by the margin alone."""
    allow_other_preparation: bool = False
    """Whether the calibrated threshold is taken although items are prepared or encoded by other options than in the
    run that wrote the checkpoint, which else is refused; it was chosen on margins that other embeddings have."""
    precision: Precision | None = None
    """Type of the encoders' arithmetic; null for train.precision."""
    output: NamedPath | None = None
    """Submission file; null for predictions/<split>.jsonl in the run folder."""


class LogOptions(Options):
    """Where the course of training is written besides the run folder's own files."""

    tensorboard: bool = True
    """Whether TensorBoard event files are written."""
    wandb: Annotated[str, Field(pattern=r"^[^/\\#?%:]+$", max_length=128)] | None = None
    """Project of Weights & Biases to which the course of training is sent (needs requirements-wandb.txt); null for
    none. WANDB_MODE=offline keeps it in the run folder."""
