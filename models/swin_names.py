"""The names that a Swin Transformer's tensors have in transformers 4.18 (published), transformers 5 and timm.

The functions are pure: tensors are passed on or copied, never changed. Buffers that follow from the window
size (relative_position_index) are dropped on the way from the published naming and derived on the way back.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from models.weights import raise_faults

ImageLibrary = Literal["timm", "transformers"]


class _Names(NamedTuple):
    """Name of one module or table in each library, without .weight and .bias."""

    published: str
    transformers: str
    timm: str


_STAGE = "encoder.layers.{stage}."
_BLOCK = _STAGE + "blocks.{block}."
_TIMM_BLOCK = "layers.{stage}.blocks.{block}."

# timm's attn.query, attn.key and attn.value are one module there, attn.qkv: see _fuse and _split.
_NAMES = (
    _Names("embeddings.patch_embeddings.projection", "embeddings.patch_embeddings.projection", "patch_embed.proj"),
    _Names("embeddings.norm", "embeddings.norm", "patch_embed.norm"),
    _Names(_BLOCK + "layernorm_before", _BLOCK + "layernorm_before", _TIMM_BLOCK + "norm1"),
    _Names(
        _BLOCK + "attention.self.relative_position_bias_table",
        _BLOCK + "attention.relative_position_bias.relative_position_bias_table",
        _TIMM_BLOCK + "attn.relative_position_bias_table",
    ),
    _Names(_BLOCK + "attention.self.query", _BLOCK + "attention.q_proj", _TIMM_BLOCK + "attn.query"),
    _Names(_BLOCK + "attention.self.key", _BLOCK + "attention.k_proj", _TIMM_BLOCK + "attn.key"),
    _Names(_BLOCK + "attention.self.value", _BLOCK + "attention.v_proj", _TIMM_BLOCK + "attn.value"),
    _Names(_BLOCK + "attention.output.dense", _BLOCK + "attention.o_proj", _TIMM_BLOCK + "attn.proj"),
    _Names(_BLOCK + "layernorm_after", _BLOCK + "layernorm_after", _TIMM_BLOCK + "norm2"),
    _Names(_BLOCK + "intermediate.dense", _BLOCK + "mlp.fc1", _TIMM_BLOCK + "mlp.fc1"),
    _Names(_BLOCK + "output.dense", _BLOCK + "mlp.fc2", _TIMM_BLOCK + "mlp.fc2"),
    # Both merge patches between two stages: transformers at the end of one, timm at the start of the next.
    _Names(_STAGE + "downsample.norm", _STAGE + "downsample.norm", "layers.{next_stage}.downsample.norm"),
    _Names(
        _STAGE + "downsample.reduction",
        _STAGE + "downsample.reduction",
        "layers.{next_stage}.downsample.reduction",
    ),
    _Names("layernorm", "layernorm", "norm"),
)
_MODEL = "swin."
_INDEX = "relative_position_index"
_TABLE = "relative_position_bias_table"
_WHAT = "no Swin Transformer of the expected naming"
_THIRDS = ("query", "key", "value")


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
    raise_faults(published_faults(state), _WHAT)
    renamed = {
        _translate(name, "published", library): tensor for name, tensor in state.items() if not name.endswith(_INDEX)
    }
    return _fuse(renamed) if library == "timm" else renamed


def to_published(state: Mapping[str, Tensor], library: ImageLibrary) -> dict[str, Tensor]:
    """Undo from_published bit for bit; raises UserError naming every tensor that cannot be renamed."""
    raise_faults(library_faults(state, library), _WHAT)
    published: dict[str, Tensor] = {}
    for name, tensor in (_split(state) if library == "timm" else state).items():
        name = _translate(name, library, "published")
        published[name] = tensor
        if name.endswith(_TABLE):
            published[name.replace(_TABLE, _INDEX)] = relative_position_index(_window(tensor))
    return published


def published_faults(state: Mapping[str, Tensor]) -> list[str]:
    """Say what keeps a published backbone from being renamed, one text a tensor."""
    faults = []
    for name, tensor in state.items():
        if name.endswith("." + _INDEX):
            table = state.get(name.replace(_INDEX, _TABLE))
            if table is None or not torch.equal(tensor, relative_position_index(_window(table))):
                faults.append(f"{name} does not follow from its {_TABLE}")
        elif _find(name, "published") is None:
            faults.append(f"unknown {name}")
        elif ".attention.self.query." in name:
            trio = [state.get(name.replace(".query.", f".{third}.")) for third in _THIRDS]
            if any(part is None or part.shape != tensor.shape for part in trio):
                faults.append(f"{name}: query, key and value are not of one shape, or one is missing")
    return faults


def library_faults(state: Mapping[str, Tensor], library: ImageLibrary) -> list[str]:
    """Say what keeps a library's backbone from getting published names, one text a tensor."""
    faults = []
    for name, tensor in state.items():
        if library == "timm" and re.search(r"\.attn\.qkv\.(weight|bias)$", name):
            if len(tensor) % 3:
                faults.append(f"{name} has {len(tensor)} rows, which are not three equal parts")
        elif _find(name, library) is None or re.search(r"\.attn\.(query|key|value)\.", name):
            faults.append(f"unknown {name}")
    return faults


def relative_position_index(window: int) -> Tensor:
    """Return the row of the bias table for each pair of places in a window: (window^2, window^2), int64."""
    rows, columns = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    places = torch.stack([rows.flatten(), columns.flatten()])
    distance = places[:, :, None] - places[:, None, :] + window - 1
    return distance[0] * (2 * window - 1) + distance[1]


def _window(table: Tensor) -> int:
    return (math.isqrt(len(table)) + 1) // 2


def _find(name: str, naming: ImageLibrary | Literal["published"]) -> tuple[_Names, dict[str, int]] | None:
    """Return the entry of a name with its stage and block, where it has them; None for an unknown name."""
    for entry in _NAMES:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>\\d+)", re.escape(getattr(entry, naming)))
        ending = "" if entry.published.endswith(_TABLE) else r"\.(?:weight|bias)"
        if match := re.fullmatch(pattern + ending, name):
            return entry, {key: int(value) for key, value in match.groupdict().items()}
    return None


def _translate(
    name: str, source: ImageLibrary | Literal["published"], target: ImageLibrary | Literal["published"]
) -> str:
    found = _find(name, source)
    assert found is not None, f"{name} was not checked"
    entry, numbers = found
    stage = numbers["next_stage"] - 1 if "next_stage" in numbers else numbers.get("stage", 0)
    stem: str = getattr(entry, target).format(stage=stage, next_stage=stage + 1, block=numbers.get("block"))
    return stem if stem.endswith(_TABLE) else f"{stem}.{name.rpartition('.')[2]}"


def _fuse(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Join query, key and value to qkv."""

    def fused() -> Iterator[tuple[str, Tensor]]:
        for name, tensor in state.items():
            if ".attn.query." in name:
                trio = [state[name.replace(".query.", f".{third}.")] for third in _THIRDS]
                yield name.replace(".query.", ".qkv."), torch.cat(trio)
            elif ".attn.key." not in name and ".attn.value." not in name:
                yield name, tensor

    return dict(fused())


def _split(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Part qkv into query, key and value."""
    parts: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if ".attn.qkv." in name:
            for third, part in zip(_THIRDS, tensor.chunk(3), strict=True):
                parts[name.replace(".qkv.", f".{third}.")] = part.clone()
        else:
            parts[name] = tensor
    return parts
