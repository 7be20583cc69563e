"""The type of the encoders' arithmetic, and what comes of float16's narrow range."""

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
