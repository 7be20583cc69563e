"""The tensors of the published network (arXiv 2208.11064) under our names, and back.

Its checkpoints have the names of transformers 4.18. Stream 1 there is the threshold branch here, stream 2
the match branch.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from models import swin_names
from models.swin_names import ImageLibrary
from models.weights import raise_faults

_PREFIXES = {
    published + stream + ".": f"{branch}.{ours}."
    for stream, branch in (("1", "threshold"), ("2", "match"))
    for published, ours in (
        ("txt_encoder", "text_encoder.backbone"),
        ("img_encoder", "image_encoder.backbone"),
        ("fc", "projection"),
    )
}
"""Our prefix of each prefix of the published naming."""

_POSITIONS = "embeddings.position_embeddings.weight"
_POSITION_IDS = "embeddings.position_ids"
_BERT = re.compile(
    r"embeddings\.(word|position|token_type)_embeddings\.weight|embeddings\.LayerNorm\.(weight|bias)|"
    r"encoder\.layer\.\d+\.(attention\.self\.(query|key|value)|attention\.output\.dense|"
    r"attention\.output\.LayerNorm|intermediate\.dense|output\.dense|output\.LayerNorm)\.(weight|bias)"
)
_LINEAR = re.compile(r"weight|bias")


def published_to_ours(state: Mapping[str, Tensor], image_library: ImageLibrary) -> dict[str, Tensor]:
    """Return the tensors of a published network under the names of an ItemEncoder.

    Derived buffers are dropped. Whether the tensors are all there and fit is for load_exactly to say.

    Raises:
        UserError: naming every tensor that has no place in our naming.
    """
    groups, faults = _grouped(state, list(_PREFIXES))
    for prefix, group in groups.items():
        faults += [f"{fault} (under {prefix})" for fault in _published_faults(prefix, group)]
    raise_faults(faults, "no published checkpoint")
    return {
        _PREFIXES[prefix] + name: tensor
        for prefix, group in groups.items()
        for name, tensor in _from_published(prefix, group, image_library).items()
    }


def ours_to_published(state: Mapping[str, Tensor], image_library: ImageLibrary) -> dict[str, Tensor]:
    """Undo published_to_ours bit for bit, derived buffers included.

    Raises:
        UserError: naming every tensor that the published network has not, such as those of other encoders.
    """
    published_prefixes = {ours: published for published, ours in _PREFIXES.items()}
    groups, faults = _grouped(state, list(published_prefixes))
    for prefix, group in groups.items():
        faults += [f"{fault} (under {prefix})" for fault in _our_faults(prefix, group, image_library)]
    raise_faults(faults, "not the published network")
    return {
        published_prefixes[prefix] + name: tensor
        for prefix, group in groups.items()
        for name, tensor in _to_published(prefix, group, image_library).items()
    }


def _grouped(state: Mapping[str, Tensor], prefixes: list[str]) -> tuple[dict[str, dict[str, Tensor]], list[str]]:
    """Return the tensors by prefix, without it, and a fault for each name without a known prefix."""
    groups: dict[str, dict[str, Tensor]] = {prefix: {} for prefix in prefixes}
    faults = []
    for name, tensor in state.items():
        prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
        if prefix is None:
            faults.append(f"unknown {name}")
        else:
            groups[prefix][name.removeprefix(prefix)] = tensor
    return groups, faults


def _published_faults(prefix: str, group: Mapping[str, Tensor]) -> list[str]:
    if prefix.startswith("img"):
        return swin_names.published_faults(group)
    faults = _unknown(prefix, [name for name in group if name != _POSITION_IDS])
    if _POSITION_IDS in group and not _is_range(group[_POSITION_IDS], group.get(_POSITIONS)):
        faults.append(f"{_POSITION_IDS} does not count the rows of {_POSITIONS}")
    return faults


def _our_faults(prefix: str, group: Mapping[str, Tensor], image_library: ImageLibrary) -> list[str]:
    if ".image_encoder." in prefix:
        return swin_names.library_faults(group, image_library)
    return _unknown(prefix, list(group))


def _unknown(prefix: str, names: list[str]) -> list[str]:
    known = _LINEAR if prefix.startswith("fc") or prefix.endswith("projection.") else _BERT
    return [f"unknown {name}" for name in names if not known.fullmatch(name)]


def _is_range(position_ids: Tensor, positions: Tensor | None) -> bool:
    return positions is not None and torch.equal(position_ids, torch.arange(len(positions))[None])


def _from_published(prefix: str, group: Mapping[str, Tensor], image_library: ImageLibrary) -> dict[str, Tensor]:
    if prefix.startswith("img"):
        return swin_names.from_published(group, image_library)
    return {name: tensor for name, tensor in group.items() if name != _POSITION_IDS}


def _to_published(prefix: str, group: Mapping[str, Tensor], image_library: ImageLibrary) -> dict[str, Tensor]:
    if ".image_encoder." in prefix:
        return swin_names.to_published(group, image_library)
    published = dict(group)
    if _POSITIONS in group:
        published[_POSITION_IDS] = torch.arange(len(group[_POSITIONS]))[None]
    return published
