"""The optimizer."""

from collections.abc import Iterable

import torch
from torch import nn

from engine.options import OptimizerOptions

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def build_optimizer(options: OptimizerOptions, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Build the optimizer over all parameters that are trained, in one fused kernel a step."""
    kind: type[torch.optim.Adam] = OPTIMIZERS[options.name]
    return kind(
        [parameter for parameter in parameters if parameter.requires_grad],
        lr=options.lr,
        betas=options.betas,
        weight_decay=options.weight_decay,
        fused=True,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
