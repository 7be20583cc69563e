"""Image encoders of timm."""

import json
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import timm
import torch
from pydantic import JsonValue
from torch import Tensor, nn

from data.hub import local_path
from data.pair_batch import ItemBatch
from models.efficientnet_names import is_lukemelas_efficientnet, lukemelas_efficientnet_to_timm
from models.encoder import Encoder, FeatureGroup
from models.image_statistics import ColourHistogram, mean_and_deviation, middle
from models.swin_names import hub_swin_to_timm, is_hub_swin
from models.timm_folder import read_timm_folder
from models.weights import (
    DAMAGED,
    UNFIT,
    hub_error,
    is_of_a_further_block,
    load_exactly,
    unreadable_weights,
    weights_file,
)
from options.errors import UserError

OPTION = "model.image_encoder"


class TimmImageEncoder(Encoder):
    """A timm model without its classifier: final normalisation, then its own pooling, or statistics of levels."""

    modality = "image"

    def __init__(
        self, backbone: nn.Module, made_of: str, levels: tuple[int, ...] | None = None, channels_last: bool = False
    ) -> None:
        """Take a backbone and the name and arguments that it was made of.

        Read the feature levels of these numbers where they are given; raises UserError for one that is not there.
        """
        super().__init__()
        self.backbone = backbone
        self.made_of = made_of
        self.levels = levels
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        if levels is None and not hasattr(backbone, "head_hidden_size"):
            raise UserError(f"{OPTION}: {made_of} gives maps in place of a vector: change the arguments or name levels")
        # Of what timm calls its head, a model without a classifier still has layers that change the width.
        self.blocks = (int(backbone.head_hidden_size),) if levels is None else _widths(backbone, levels)  # type: ignore[arg-type]
        self.width = sum(self.blocks)
        self.colours: ColourHistogram | None = None
        if levels is not None:  # data-parallel training wants a gradient for every weight
            backbone.prune_intermediate_layers(list(levels), prune_norm=True, prune_head=True)  # type: ignore[operator]

    @property
    def groups(self) -> tuple[FeatureGroup, ...]:
        """The image's levels, a block each, and its colours where they are counted."""
        image = FeatureGroup(self.modality, self.blocks)
        return (image,) if self.colours is None else (image, FeatureGroup("colours", (self.colours.width,)))

    def forward(self, items: ItemBatch) -> Tensor:
        """Return the pooled features of N images, and their colours after them: (N, width) float32."""
        images = items.images.to(self.dtype).contiguous(memory_format=self.memory_format)
        if self.levels is None:
            features: Tensor = self.backbone(images)
        else:
            maps = self.backbone.forward_intermediates(  # type: ignore[operator]
                images, indices=list(self.levels), stop_early=True, intermediates_only=True
            )
            parts = [part for level in maps for part in (level, middle(level))]
            features = torch.cat([mean_and_deviation(part) for part in parts], dim=1)
        features = self.widened(features)
        return features if self.colours is None else torch.cat([features, self.colours(items.images)], dim=1)

    def add_colours(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        """From now on give a histogram of colours as well, of pictures that were normalised by these numbers."""
        self.colours = ColourHistogram(mean, std)
        self.width += self.colours.width

    def extra_repr(self) -> str:
        """Say what features depend on that neither weights nor modules tell, such as timm's pooling."""
        return f"{self.made_of}, levels={self.levels}, memory_format={self.memory_format}"

    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
        try:
            self.backbone.set_grad_checkpointing(True)  # type: ignore[operator]
        except (AttributeError, AssertionError) as error:
            raise UserError(
                f"train.activation_checkpointing: {type(self.backbone).__name__} of timm cannot; set it to false"
            ) from error


def _widths(backbone: nn.Module, levels: tuple[int, ...]) -> tuple[int, ...]:
    known = getattr(backbone, "feature_info", [])
    info = getattr(known, "info", known)
    if not hasattr(backbone, "forward_intermediates") or max(levels) >= len(info):
        raise UserError(
            f"{OPTION}.levels: {type(backbone).__name__} of timm has {len(info)} feature levels, numbered from 0; "
            f"not {list(levels)}"
        )
    # Of each level the whole and the middle, of each of these means and deviations.
    return tuple(2 * int(info[level]["num_chs"]) for level in levels for _ in range(2))


def build_timm_image_encoder(
    architecture: str,
    arguments: Mapping[str, JsonValue],
    weights: str,
    levels: tuple[int, ...] | None = None,
    channels_last: bool = False,
) -> TimmImageEncoder:
    """Build a timm model by name or folder; raises UserError for an unknown one and for weights that cannot be had.

    Weights from a file are those of the whole model under timm's names, those of a Swin Transformer as transformers
    stores it, or those of an EfficientNet as EfficientNet-PyTorch does; a classifier among them is left out, and more
    blocks than the model's are refused.
    """
    architecture = local_path(architecture, f"{OPTION}.architecture")
    if Path(architecture).is_dir():
        folder = read_timm_folder(Path(architecture), f"{OPTION}.architecture")
        architecture, arguments = folder.architecture, {**folder.arguments, **arguments}
        weights = str(folder.weights) if weights == "pretrained" else weights
    if not timm.is_model(architecture):
        near = get_close_matches(architecture.partition(".")[0], timm.list_models(), n=5)
        advice = f"; near ones: {', '.join(near)}" if near else ""
        raise UserError(f"{OPTION}.architecture: timm has no model {architecture!r}{advice}")
    if weights in ("pretrained", "random"):
        backbone = _create(architecture, arguments, weights == "pretrained")
    else:
        file = weights_file(Path(local_path(weights, f"{OPTION}.weights")), f"{OPTION}.weights")
        backbone = _create(architecture, arguments, pretrained=False)
        _load_file(backbone, file)
    made_of = f"{architecture} {json.dumps(dict(arguments), sort_keys=True)}"
    return TimmImageEncoder(backbone, made_of, levels, channels_last)


def _create(architecture: str, arguments: Mapping[str, JsonValue], pretrained: bool) -> nn.Module:
    # One fused kernel for attention also in Swin, where timm's default is to compute it in steps.
    timm.layers.set_fused_attn(True, experimental=True)
    try:
        backbone: nn.Module = timm.create_model(architecture, pretrained=pretrained, num_classes=0, **arguments)
    except (*UNFIT, OSError) as error:
        if pretrained and isinstance(error, OSError):
            raise hub_error(OPTION, f"timm/{architecture}", "model.safetensors") from error
        raise UserError(
            f"{OPTION}: {architecture} cannot be built with {'pretrained' if pretrained else 'random'} weights and "
            f"the arguments {dict(arguments)}: {error}"
        ) from error
    return backbone


def _load_file(backbone: nn.Module, file: Path) -> None:
    """Load weights from a file; unlike timm's own loading, which passes over what is missing, every tensor.

    What is surplus is left out, such as a classifier, but for blocks: then the file is another model's.
    """
    try:
        state = timm.models.load_state_dict(str(file))
        if is_hub_swin(state):
            state = hub_swin_to_timm(state)
        elif is_lukemelas_efficientnet(state):
            state = lukemelas_efficientnet_to_timm(state, backbone.state_dict())
        # Each family of timm brings older names and other window sizes into the present form by such a function.
        convert = getattr(sys.modules[type(backbone).__module__], "checkpoint_filter_fn", None)
        converted = convert(state, backbone) if convert is not None else state
    except UserError as error:
        raise UserError(f"{OPTION}.weights: {file}: {error}") from error
    except DAMAGED as error:
        raise unreadable_weights(f"{OPTION}.weights", file, error) from error
    own = backbone.state_dict()
    wanted = {name: tensor for name, tensor in converted.items() if name in own or is_of_a_further_block(name, own)}
    load_exactly(backbone, wanted, f"{OPTION}.weights: {file}")
