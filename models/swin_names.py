"""The names that a Swin Transformer's tensors have in transformers 4.18 (published), transformers 5 and timm.

The functions are pure: tensors are passed on or copied, never changed. Buffers that follow from the window
size (relative_position_index) are dropped on the way from the published naming and derived on the way back.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Literal

import torch
from torch import Tensor

from models.weights import raise_faults

ImageLibrary = Literal["timm", "transformers"]
Naming = ImageLibrary | Literal["published"]


_STAGE, _TIMM_STAGE = "encoder.layers.{stage}.", "layers.{next_stage}."
_BLOCK, _TIMM_BLOCK = "encoder.layers.{stage}.blocks.{block}.", "layers.{stage}.blocks.{block}."
_INDEX = "relative_position_index"
_TABLE = "relative_position_bias_table"

# The name of each module or table, without .weight and .bias, in each of _NAMINGS.
# timm's attn.qkv[0], [1] and [2] are the thirds of one tensor there, attn.qkv: see _split and _fused.
# Both merge patches between two stages: transformers at the end of one, timm at the start of the next.
_NAMINGS: tuple[Naming, ...] = ("published", "transformers", "timm")
_NAMES = (
    ("embeddings.patch_embeddings.projection", "embeddings.patch_embeddings.projection", "patch_embed.proj"),
    ("embeddings.norm", "embeddings.norm", "patch_embed.norm"),
    (_BLOCK + "layernorm_before", _BLOCK + "layernorm_before", _TIMM_BLOCK + "norm1"),
    (
        f"{_BLOCK}attention.self.{_TABLE}",
        f"{_BLOCK}attention.relative_position_bias.{_TABLE}",
        f"{_TIMM_BLOCK}attn.{_TABLE}",
    ),
    (_BLOCK + "attention.self.query", _BLOCK + "attention.q_proj", _TIMM_BLOCK + "attn.qkv[0]"),
    (_BLOCK + "attention.self.key", _BLOCK + "attention.k_proj", _TIMM_BLOCK + "attn.qkv[1]"),
    (_BLOCK + "attention.self.value", _BLOCK + "attention.v_proj", _TIMM_BLOCK + "attn.qkv[2]"),
    (_BLOCK + "attention.output.dense", _BLOCK + "attention.o_proj", _TIMM_BLOCK + "attn.proj"),
    (_BLOCK + "layernorm_after", _BLOCK + "layernorm_after", _TIMM_BLOCK + "norm2"),
    (_BLOCK + "intermediate.dense", _BLOCK + "mlp.fc1", _TIMM_BLOCK + "mlp.fc1"),
    (_BLOCK + "output.dense", _BLOCK + "mlp.fc2", _TIMM_BLOCK + "mlp.fc2"),
    (_STAGE + "downsample.norm", _STAGE + "downsample.norm", _TIMM_STAGE + "downsample.norm"),
    (_STAGE + "downsample.reduction", _STAGE + "downsample.reduction", _TIMM_STAGE + "downsample.reduction"),
    ("layernorm", "layernorm", "norm"),
)
_MODEL = "swin."
_WHAT = "no Swin Transformer of the expected naming"


def is_hub_swin(state: Iterable[str]) -> bool:
    """Tell by its names whether a state is a Swin Transformer as transformers stores it."""
    return any(name.startswith(("swin.embeddings.patch_embeddings.", "embeddings.patch_embeddings.")) for name in state)


def hub_swin_to_timm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename what transformers, old or new, stores of a Swin Transformer for timm; its classifier is left out.

    Raises UserError naming every tensor of the backbone that cannot be renamed.
    """
    if any(name.startswith(_MODEL) for name in state):
        state = {name.removeprefix(_MODEL): tensor for name, tensor in state.items() if name.startswith(_MODEL)}
    is_new = any(".attention.q_proj." in name for name in state)
    return from_published(to_published(state, "transformers") if is_new else state, "timm")


def from_published(state: Mapping[str, Tensor], library: ImageLibrary) -> dict[str, Tensor]:
    """Rename a published backbone for a library; raises UserError naming every tensor that cannot be."""
    renamed, faults = rename(state, "published", library)
    raise_faults(faults, _WHAT)
    return renamed


def to_published(state: Mapping[str, Tensor], library: ImageLibrary) -> dict[str, Tensor]:
    """Undo from_published bit for bit; raises UserError naming every tensor that cannot be renamed."""
    renamed, faults = rename(state, library, "published")
    raise_faults(faults, _WHAT)
    return renamed


def rename(state: Mapping[str, Tensor], source: Naming, target: Naming) -> tuple[dict[str, Tensor], list[str]]:
    """Return a backbone under the names of another library, and what keeps tensors from being renamed, a text each.

    Where there are such faults, only part of the backbone is returned.
    """
    faults: list[str] = []
    if source == "published":
        state, faults = _without_indices(state)
    elif source == "timm":
        state, faults = _split(state)
    renamed = {}
    for name, tensor in state.items():
        new_name = _translated(name, source, target)
        if new_name is None:
            faults.append(f"unknown {name}")
        else:
            renamed[new_name] = tensor
    if target == "timm" and not faults:
        renamed = _fused(renamed)
    if target == "published":
        renamed |= _indices(renamed)
    return renamed, faults


def relative_position_index(window: int) -> Tensor:
    """Return the row of the bias table for each pair of places in a window: (window^2, window^2), int64."""
    rows, columns = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    places = torch.stack([rows.flatten(), columns.flatten()])
    distance = places[:, :, None] - places[:, None, :] + window - 1
    return distance[0] * (2 * window - 1) + distance[1]


def _indices(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the buffers that follow from the bias tables of a published backbone."""
    tables = {name.replace(_TABLE, _INDEX): table for name, table in state.items() if name.endswith(_TABLE)}
    return {name: relative_position_index((math.isqrt(len(table)) + 1) // 2) for name, table in tables.items()}


def _translated(name: str, source: Naming, target: Naming) -> str | None:
    """Return the name of a tensor in another library; None for an unknown one."""
    for row in _NAMES:
        names = dict(zip(_NAMINGS, row, strict=True))
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>\\d+)", re.escape(names[source]))
        ending = "" if names[source].endswith(_TABLE) else r"\.(?:weight|bias)"
        if match := re.fullmatch(f"{pattern}({ending})", name):
            numbers = {key: int(value) for key, value in match.groupdict().items()}
            stage = numbers["next_stage"] - 1 if "next_stage" in numbers else numbers.get("stage", 0)
            stem = names[target].format(stage=stage, next_stage=stage + 1, block=numbers.get("block"))
            return stem + match[match.re.groups]
    return None


def _without_indices(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Check what depends on each other in a published backbone, and leave out the indices."""
    faults, indices = [], _indices(state)
    for name, tensor in state.items():
        if name.endswith("." + _INDEX):
            if name not in indices or not torch.equal(tensor, indices[name]):
                faults.append(f"{name} does not follow from its {_TABLE}")
        elif ".attention.self.query." in name:
            others = [state.get(name.replace(".query.", part)) for part in (".key.", ".value.")]
            if any(other is None or other.shape != tensor.shape for other in others):
                faults.append(f"{name}: query, key and value are not of one shape, or one is missing")
    return {name: tensor for name, tensor in state.items() if not name.endswith("." + _INDEX)}, faults


def _split(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Part timm's qkv into query, key and value."""
    parts: dict[str, Tensor] = {}
    faults = []
    for name, tensor in state.items():
        if not re.search(r"\.attn\.qkv\.(weight|bias)$", name):
            parts[name] = tensor
        elif len(tensor) % 3:
            faults.append(f"{name} has {len(tensor)} rows, which are not three equal parts")
        else:
            for third, part in enumerate(tensor.chunk(3)):
                parts[name.replace(".qkv.", f".qkv[{third}].")] = part.clone()
    return parts, faults


def _fused(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo _split."""
    whole: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if ".qkv[0]." in name:
            trio = [state[name.replace("[0]", f"[{third}]")] for third in range(3)]
            whole[name.replace("[0]", "")] = torch.cat(trio)
        elif ".qkv[" not in name:
            whole[name] = tensor
    return whole
