"""One seed for everything random."""

import os

import numpy as np
import torch


def seed_everything(*parts: int) -> None:
    """Seed torch from a tuple of numbers, such as seed, step and rank."""
    torch.manual_seed(int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1))


def use_deterministic_algorithms() -> None:
    """Make equal runs on equal machines equal to the last bit; an algorithm that cannot be raises."""
    # cuBLAS reads this when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Else all memory is filled before it is written, a twentieth of a step, for algorithms that read what nobody wrote.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
