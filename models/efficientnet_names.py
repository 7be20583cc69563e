"""The names that an EfficientNet's tensors have in lukemelas/EfficientNet-PyTorch and its lite variants, for timm.

Blocks are numbered through there and by stage in timm. A block's three convolutions and normalisations are there
expand, depthwise, project and _bn0, _bn1, _bn2; timm numbers the normalisations from 1, and names the convolutions of
a block that does not expand (the first stage's) differently.
"""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

_ENDS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_EXPANDING = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def is_lukemelas_efficientnet(state: Iterable[str]) -> bool:
    """Tell by its names whether a state is an EfficientNet of EfficientNet-PyTorch."""
    return any(name.startswith("_conv_stem.") for name in state)


def lukemelas_efficientnet_to_timm(state: Mapping[str, Tensor], timm_names: Iterable[str]) -> dict[str, Tensor]:
    """Rename a state for a timm model whose own names are given; what has no counterpart there keeps its name."""
    places = [match[0] for name in timm_names if (match := re.match(r"blocks\.\d+\.\d+", name))]
    blocks = list(dict.fromkeys(places))
    return {_timm_name(name, state, blocks): tensor for name, tensor in state.items()}


def _timm_name(name: str, state: Mapping[str, Tensor], blocks: list[str]) -> str:
    """Return timm's name of a tensor; `blocks` are the places of timm's blocks in order."""
    if match := re.fullmatch(r"(_blocks\.(\d+)\.)(\w+)(\.\w+)", name):
        block, number, module, tensor = match.groups()
        names = _EXPANDING if f"{block}_expand_conv.weight" in state else _PLAIN
        if module in names and int(number) < len(blocks):
            return f"{blocks[int(number)]}.{names[module]}{tensor}"
    module, _, tensor = name.rpartition(".")
    return f"{_ENDS[module]}.{tensor}" if module in _ENDS else name
