"""Image encoders of timm."""

from collections.abc import Mapping
from pathlib import Path

import timm
from pydantic import JsonValue
from torch import Tensor, nn

from data.pair_batch import ItemBatch
from models.encoder import Encoder
from models.weights import hub_error, weights_file
from options.errors import UserError

OPTION = "model.image_encoder"


class TimmImageEncoder(Encoder):
    """A timm model without its classifier: final normalisation, then its own pooling."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.width = int(backbone.num_features)  # type: ignore[arg-type]

    def forward(self, items: ItemBatch) -> Tensor:
        """Return the pooled features of N images: (N, width)."""
        features: Tensor = self.backbone(items.images)
        return features

    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
        self.backbone.set_grad_checkpointing(True)  # type: ignore[operator]


def build_timm_image_encoder(architecture: str, arguments: Mapping[str, JsonValue], weights: str) -> TimmImageEncoder:
    """Build a timm model by name; raises UserError for an unknown one and for weights that cannot be had."""
    if not timm.is_model(architecture):
        near = timm.list_models(f"*{architecture.split('_')[0].split('.')[0]}*")[:5]
        advice = f"; near ones: {', '.join(near)}" if near else ""
        raise UserError(f"{OPTION}.architecture: timm has no model {architecture!r}{advice}")
    overlay = None
    if weights not in ("pretrained", "random"):
        overlay = {"file": str(weights_file(Path(weights), f"{OPTION}.weights"))}
    try:
        backbone = timm.create_model(
            architecture,
            pretrained=weights != "random",
            pretrained_cfg_overlay=overlay,
            num_classes=0,
            **arguments,
        )
    except OSError as error:
        raise hub_error(OPTION, f"timm/{architecture}", "model.safetensors") from error
    except (
        TypeError,
        ValueError,
        RuntimeError,
        AssertionError,
        AttributeError,
        LookupError,
        ArithmeticError,
    ) as error:
        # timm's models answer arguments that do not fit with any of these.
        raise UserError(
            f"{OPTION}: {architecture} cannot be built with weights {weights!r} and arguments {dict(arguments)}: "
            f"{error}"
        ) from error
    return TimmImageEncoder(backbone)
