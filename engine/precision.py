"""The type of the encoders' arithmetic, and what comes of float16's narrow range."""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from engine.options import Precision


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which encoders run: matrix products in the given type, the rest as torch deems safe."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, getattr(torch, precision))


def gradient_scaler(precision: Precision, device: torch.device) -> torch.amp.GradScaler:
    """Return the scaler that keeps float16 gradients from underflow; it does nothing for other types."""
    return torch.amp.GradScaler(device.type, enabled=precision == "float16")


class NonFiniteGuard:
    """Keeps weights and optimizer as they were before the first step whose loss or gradient was not finite.

    It decides on the device and by the gradient, which is the same on all processes, so that nobody waits and all
    decide alike; that step and all later ones change nothing. A float16 scaler decides for itself.
    """

    def __init__(self, device: torch.device) -> None:
        self._first_step = torch.full((), -1, dtype=torch.int64, device=device)
        self._found = torch.zeros((), device=device)

    def attach(self, optimizer: torch.optim.Optimizer) -> None:
        """Have a fused optimizer skip its steps from then on; it looks for this attribute."""
        optimizer.found_inf = self._found  # type: ignore[attr-defined]

    def look_at(self, gradient_norm: Tensor, step: int) -> None:
        """Take in a step before the optimizer does."""
        is_first = ~gradient_norm.isfinite() & (self._found == 0)
        self._first_step.masked_fill_(is_first, step)
        self._found.masked_fill_(is_first, 1.0)

    def first_step(self) -> int | None:
        """Wait for the device; return the number of steps done before the first one that was not finite, if any."""
        step = int(self._first_step.item())
        return None if step < 0 else step


def not_a_number_unless_finite(loss: Tensor) -> Tensor:
    """Return a finite loss as it is, and one that makes the whole gradient NaN for any other.

    A loss can overflow while its gradient does not; through the gradient every process learns of it.
    """
    return loss * torch.where(loss.isfinite(), 1.0, math.nan)


@dataclass(frozen=True, slots=True)
class OverflowFigures:
    """Overflow steps: those whose scaled gradient was not finite, so that the scaler left the weights alone."""

    total: int = 0
    in_a_row: int = 0
    """Up to now; 0 after a step that changed the weights."""
    unlogged: int = 0
    """Since the last log line."""


class OverflowCount:
    """Counts overflow steps on the device, so that nobody waits for it before the figures are read."""

    def __init__(self, device: torch.device) -> None:
        self._counts = torch.zeros(3, dtype=torch.int64, device=device)

    def add(self, overflowed: Tensor) -> None:
        """Count a step: `overflowed` is () bool."""
        self._counts += overflowed
        self._counts[1] *= overflowed

    def read(self) -> OverflowFigures:
        """Wait for the device and return the figures."""
        return OverflowFigures(*self._counts.tolist())

    def restore(self, figures: OverflowFigures) -> None:
        """Set the figures, those of a checkpoint or after a log line."""
        self._counts.copy_(torch.tensor(astuple(figures)))
