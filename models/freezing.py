"""The lower part of a backbone, frozen: no gradients, no dropout, statistics of normalisation as they are.

A backbone's stages (timm) or layers (transformers) lie in its first list of that name, or are called layer1, layer2,
...; what is registered before them (stem, embeddings) belongs to the first.
"""

import re
from typing import Literal

from torch import nn

from options.errors import UserError

Freeze = int | Literal["all"]

_LISTS = {"layer", "layers", "blocks", "stages"}


def stage_names(backbone: nn.Module) -> list[str]:
    """Return the names of a backbone's stages, the lowest first; none where it has no list of them."""
    for name, module in backbone.named_modules():
        if isinstance(module, nn.Sequential | nn.ModuleList) and name.rpartition(".")[2] in _LISTS:
            return [f"{name}.{number}" for number in range(len(module))]
    return [name for name, _ in backbone.named_children() if re.fullmatch(r"layer\d+", name)]


def freeze(backbone: nn.Module, count: Freeze, option: str) -> list[str]:
    """Freeze the lowest `count` stages and what lies below them; return the names of the frozen modules.

    Raises UserError, which names the option, where the backbone has not as many stages.
    """
    if count == 0:
        return []
    if count == "all":
        backbone.requires_grad_(False)
        return [""]
    stages = stage_names(backbone)
    if count > len(stages):
        raise UserError(f"{option}.freeze: {type(backbone).__name__} has {len(stages)} stages: at most so many, or all")
    last = stages[count - 1]
    frozen, holders = _up_to(backbone, last)
    for name in frozen:
        backbone.get_submodule(name).requires_grad_(False)
    for name in holders:  # parameters of their own, such as the [CLS] token of a vision transformer
        for parameter in backbone.get_submodule(name).parameters(recurse=False):
            parameter.requires_grad_(False)
    return frozen


def _up_to(backbone: nn.Module, last: str) -> tuple[list[str], list[str]]:
    """Return the modules before the end of the module `last`, the largest ones only, and those that hold it."""
    holders = ["", *(last[: match.start()] for match in re.finditer(r"\.", last))]
    frozen: list[str] = []
    for holder in holders:
        prefix = f"{holder}." if holder else ""
        for name, _ in backbone.get_submodule(holder).named_children():
            if prefix + name in holders:
                break
            frozen.append(prefix + name)
            if prefix + name == last:
                break
    return frozen, holders
