"""Which training pairs come when, by the options."""

from data.pair_sampler import TrainingOrder
from engine.experiment import ExperimentOptions


def training_order(
    options: ExperimentOptions, num_pairs: int, rank: int, num_processes: int, first_step: int
) -> TrainingOrder:
    """Return which training pairs a process takes, from a step on."""
    return TrainingOrder(
        seed=options.seed,
        num_pairs=num_pairs,
        batch_size=options.train.batch_size,
        accumulate=options.train.accumulate,
        rank=rank,
        num_processes=num_processes,
        first_step=first_step,
        last_step=options.train.steps,
    )
