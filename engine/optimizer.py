"""The optimizer."""

from collections.abc import Iterable

import torch
from torch import nn

from engine.options import OptimizerOptions

FACTOR = "lr_factor"
"""Key of a group's factor of the learning rate."""
OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def build_optimizer(
    options: OptimizerOptions, parameters: Iterable[nn.Parameter], encoder_parameters: Iterable[nn.Parameter] = ()
) -> torch.optim.Optimizer:
    """Build the optimizer over all parameters that are trained, in one fused kernel a step.

    `encoder_parameters`, some of them, have a learning rate of their own, as the options say.
    """
    kind: type[torch.optim.Adam] = OPTIMIZERS[options.name]
    slower = {id(parameter) for parameter in encoder_parameters} if options.encoder_lr_factor != 1 else set()
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if (id(parameter) in slower) == is_slower], FACTOR: factor}
        for is_slower, factor in ((False, 1.0), (True, options.encoder_lr_factor))
    ]
    return kind(
        [group for group in groups if group["params"]],
        lr=options.lr,
        betas=options.betas,
        weight_decay=options.weight_decay,
        fused=True,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of every group, times its factor."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group[FACTOR]
