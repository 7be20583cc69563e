"""The type of the encoders' arithmetic."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16", "float16"]


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which encoders run: matrix products in the given type, the rest as torch deems safe."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, getattr(torch, precision))


def gradient_scaler(precision: Precision, device: torch.device) -> torch.amp.GradScaler:
    """Return the scaler that keeps float16 gradients from underflow; it does nothing for other types."""
    return torch.amp.GradScaler(device.type, enabled=precision == "float16")
