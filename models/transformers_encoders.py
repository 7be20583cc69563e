"""Text and image encoders of transformers."""

import json
from inspect import signature
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from data.hub import local_path
from data.pair_batch import ItemBatch
from models.encoder import Encoder, FeatureGroup
from models.image_patches import patch_inputs, take_one_size
from models.text_pooling import POOLINGS, TextPooling, mean_of_tokens, stored_pooling
from models.transformers_model import Architecture, build_model, is_dual
from models.weights import UNFIT, first_line
from options.errors import UserError

OF_ITS_ORIGIN = frozenset({"_name_or_path", "architectures", "dtype", "transformers_version"})
"""Fields of a configuration that say where it comes from; features depend on none of them but by the weights."""
FILLED = ("siglip", "siglip2")
"""Models that read padding as text: they were trained on texts that it fills to their full length."""
IN_PATCHES = ("siglip2", "siglip2_vision_model")
"""Models that take an image as rows of patches."""
EXAMPLES = torch.tensor([[1, 2, 3], [1, 2, 4], [4, 2, 3]])
"""Token ids of two texts that begin the same, and of one that ends as the first."""


class TransformersEncoder(Encoder):
    """What the encoders of transformers have in common."""

    filled_length: int | None = None
    """Tokens that texts are filled to, where the model reads padding as text."""

    def __init__(self, backbone: PreTrainedModel, pooling: str | None, projection: bool) -> None:
        """Take a backbone; raises UserError where it has no projection to the space of both towers."""
        super().__init__()
        self.backbone: PreTrainedModel = backbone
        self.pooling: str | None = pooling
        self.projection = projection
        if projection and not is_dual(backbone):
            raise UserError(
                f"model.{self.modality}_encoder.projection: {type(backbone).__name__} is no dual model, which has "
                "projections of texts and images to one space: set it to false"
            )

    @property
    def tower(self) -> PreTrainedModel:
        """The part that gives states: of a dual model its tower, of others all."""
        if not is_dual(self.backbone):
            return self.backbone
        tower: PreTrainedModel = self.backbone.text_model if self.modality == "text" else self.backbone.vision_model
        return tower

    def extra_repr(self) -> str:
        """Say what features depend on that neither weights nor modules tell, such as the number of heads."""
        config = self.backbone.config
        assert isinstance(config, PretrainedConfig)
        fields = {name: value for name, value in config.to_dict().items() if name not in OF_ITS_ORIGIN}
        pooling = "projection" if self.projection else self.pooling
        filling = f", filling={self.filling}" if self.filled_length else ""
        return f"pooling={pooling}{filling}, config={json.dumps(fields, sort_keys=True, default=str)}"

    def checkpoint_activations(self) -> None:
        """From now on compute activations again in the backward pass instead of keeping them."""
        try:
            self.backbone.activation_checkpointing_enable({"use_reentrant": False})
        except ValueError as error:
            name = type(self.backbone).__name__
            raise UserError(
                f"train.activation_checkpointing: {name} of transformers cannot; set it to false"
            ) from error


class TransformersTextEncoder(TransformersEncoder):
    """The last states of a text's tokens, without a pooler, as one vector, or a dual model's own projection."""

    modality = "text"

    def __init__(self, backbone: PreTrainedModel, pooling: TextPooling | None = None, projection: bool = False) -> None:
        """Take a backbone; without a pooling, [CLS] of a model that reads both ways and the last token of a causal one.

        Raises UserError for one that does not read tokens.
        """
        super().__init__(backbone, pooling, projection)
        # Nothing goes on with a text, so nothing of it is kept for that.
        self._without_cache = {"use_cache": False} if "use_cache" in signature(self.tower.forward).parameters else {}
        was_training = backbone.training
        if backbone.device.type == "meta":  # without numbers there is nothing to try
            self.pooling, self.width = pooling or "cls", int(backbone.config.hidden_size)
            return
        try:
            self.num_token_ids = _num_embeddings(self.tower)
            if backbone.config.model_type in FILLED:
                self.filled_length = int(self.tower.config.max_position_embeddings)
            with torch.no_grad():
                states = self.eval()._states(EXAMPLES, torch.ones_like(EXAMPLES))
                # What nothing after it changes has not read the text.
                is_causal = torch.allclose(states[0, 0], states[1, 0], rtol=1e-6, atol=1e-6)
                if is_causal and torch.allclose(states[0, 2], states[2, 2], rtol=1e-6, atol=1e-6):
                    raise ValueError(
                        "none of its tokens reads another one (its attention has no arithmetic for the CPU, or its "
                        "first weights are 0): choose another architecture, or pretrained weights"
                    )
                self.pooling = pooling or ("last" if is_causal else "cls")
                self.width = int(self._features(EXAMPLES, torch.ones_like(EXAMPLES)).shape[1])
        except UNFIT as error:
            raise UserError(
                f"model.text_encoder.architecture: {type(backbone).__name__} does not read texts alone: "
                f"{first_line(error)}"
            ) from error
        self.train(was_training)

    @property
    def groups(self) -> tuple[FeatureGroup, ...]:
        """One group; embeddings of words and last states are blocks of it."""
        num_blocks = 2 if self.pooling == "words" and not self.projection else 1
        return (FeatureGroup(self.modality, (self.width // num_blocks,) * num_blocks),)

    def forward(self, items: ItemBatch) -> Tensor:
        """Return the features of N texts: (N, width) float32."""
        token_ids, attention_mask = items.token_ids, items.attention_mask.long()  # some models cannot take a bool mask
        if self.filled_length is not None:
            missing = self.filled_length - token_ids.shape[1]
            token_ids = functional.pad(token_ids, (0, missing), value=self.filling)
            attention_mask = torch.ones_like(token_ids)
        return self.widened(self._features(token_ids, attention_mask))

    def _features(self, token_ids: Tensor, attention_mask: Tensor) -> Tensor:
        if self.projection:
            features: Tensor = self.backbone.get_text_features(token_ids, attention_mask).pooler_output
            return features
        if self.pooling == "words":
            output = self._read(token_ids, attention_mask, output_hidden_states=True)
            states = (output.hidden_states[0], output.last_hidden_state)
            return torch.cat([mean_of_tokens(each, attention_mask) for each in states], dim=1)
        assert self.pooling is not None
        return POOLINGS[self.pooling](self._states(token_ids, attention_mask), attention_mask)

    def _states(self, token_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self._read(token_ids, attention_mask).last_hidden_state
        return states

    def _read(self, token_ids: Tensor, attention_mask: Tensor, **wanted: bool) -> ModelOutput:
        output: ModelOutput = self.tower(
            input_ids=token_ids, attention_mask=attention_mask, **self._without_cache, **wanted
        )
        return output


def _num_embeddings(tower: PreTrainedModel) -> int | None:
    """Return the size of the vocabulary; None for a model that has none, such as one that hashes characters."""
    try:
        return int(tower.get_input_embeddings().weight.shape[0])
    except (NotImplementedError, AttributeError):
        return None


class TransformersImageEncoder(TransformersEncoder):
    """The last states of an image's places as one vector, or a dual model's own projection."""

    modality = "image"

    def __init__(
        self, backbone: PreTrainedModel, size: int, pooling: Literal["mean", "cls"] = "mean", projection: bool = False
    ) -> None:
        """Take a backbone for images of a size; raises UserError for one that does not read them."""
        super().__init__(backbone, pooling, projection)
        if backbone.config.model_type in IN_PATCHES:
            take_one_size(self.tower)
        was_training = backbone.training
        try:
            with torch.no_grad():
                self.width = int(self.eval()._features(torch.zeros(1, 3, size, size)).shape[1])
        except UNFIT as error:
            raise UserError(
                f"model.image_encoder.architecture: {type(backbone).__name__} does not read images of "
                f"data.image.size={size} alone: {first_line(error)}"
            ) from error
        self.train(was_training)

    def forward(self, items: ItemBatch) -> Tensor:
        """Return the features of N images: (N, width) float32."""
        return self.widened(self._features(items.images.to(self.dtype)))

    def _features(self, images: Tensor) -> Tensor:
        inputs = {"pixel_values": images}
        if self.backbone.config.model_type in IN_PATCHES:
            inputs = patch_inputs(images, self.tower.config.patch_size)
        if self.projection:
            features: Tensor = self.backbone.get_image_features(**inputs).pooler_output
            return features.flatten(1)
        output = self.tower(**inputs)
        states: Tensor = output.feature_maps[-1] if "feature_maps" in output else output.last_hidden_state
        if states.ndim == 4:  # convolutional: (N, width, H, W)
            states = states.flatten(2).transpose(1, 2)
        return states.mean(dim=1) if self.pooling == "mean" else states[:, 0]


def build_transformers_text_encoder(
    architecture: Architecture, weights: str, pooling: TextPooling | None = None, projection: bool = False
) -> TransformersTextEncoder:
    """Build a text encoder; raises UserError for an architecture or weights that cannot be had."""
    if pooling is None and not projection and isinstance(architecture, str):
        folder = Path(local_path(architecture, "model.text_encoder.architecture"))
        pooling = stored_pooling(folder, "model.text_encoder.pooling")
    return TransformersTextEncoder(build_model("text", architecture, weights), pooling, projection)


def build_transformers_image_encoder(
    architecture: Architecture,
    weights: str,
    size: int,
    pooling: Literal["mean", "cls"] = "mean",
    projection: bool = False,
) -> TransformersImageEncoder:
    """Build an encoder of images of a size; raises UserError for an architecture or weights that cannot be had."""
    return TransformersImageEncoder(build_model("image", architecture, weights), size, pooling, projection)
