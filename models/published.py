"""The tensors of the published network (arXiv 2208.11064) under our names, and back.

Its checkpoints have the names of transformers 4.18. Stream 1 there is the threshold branch here, stream 2
the match branch.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from models import swin_names
from models.swin_names import ImageLibrary, Naming
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
    return _renamed(state, _PREFIXES, "published", image_library, "no published checkpoint")


def ours_to_published(state: Mapping[str, Tensor], image_library: ImageLibrary) -> dict[str, Tensor]:
    """Undo published_to_ours bit for bit, derived buffers included.

    Raises:
        UserError: naming every tensor that the published network has not, such as those of other encoders.
    """
    published_prefixes = {ours: published for published, ours in _PREFIXES.items()}
    return _renamed(state, published_prefixes, image_library, "published", "not the published network")


def _renamed(
    state: Mapping[str, Tensor], prefixes: Mapping[str, str], source: Naming, target: Naming, refusal: str
) -> dict[str, Tensor]:
    """Return the tensors under other names, given the new prefix of each old one."""
    groups: dict[str, dict[str, Tensor]] = {prefix: {} for prefix in prefixes}
    faults = []
    for name, tensor in state.items():
        prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
        if prefix is None:
            faults.append(f"unknown {name}")
        else:
            groups[prefix][name.removeprefix(prefix)] = tensor
    renamed: dict[str, Tensor] = {}
    for prefix, group in groups.items():
        if "img" in prefix or "image" in prefix:
            part, part_faults = swin_names.rename(group, source, target)
        else:
            part, part_faults = _text_renamed(group, source, _LINEAR if "fc" in prefix or "proj" in prefix else _BERT)
        renamed |= {prefixes[prefix] + name: tensor for name, tensor in part.items()}
        faults += [f"{fault} (under {prefix})" for fault in part_faults]
    raise_faults(faults, refusal)
    return renamed


def _text_renamed(
    group: Mapping[str, Tensor], source: Naming, known: re.Pattern[str]
) -> tuple[dict[str, Tensor], list[str]]:
    """Drop the position ids of a published text encoder or projection, or count those of one of ours."""
    position_ids = torch.arange(len(group[_POSITIONS]))[None] if _POSITIONS in group else None
    renamed, faults = dict(group), []
    given = renamed.pop(_POSITION_IDS, None) if source == "published" else None
    if given is not None and (position_ids is None or not torch.equal(given, position_ids)):
        faults.append(f"{_POSITION_IDS} does not count the rows of {_POSITIONS}")
    faults += [f"unknown {name}" for name in renamed if not known.fullmatch(name)]
    if source != "published" and position_ids is not None:
        renamed[_POSITION_IDS] = position_ids
    return renamed, faults
