"""Options of the encoders; torch is imported only when one is built.

A further encoder is one file with a subclass of models.encoder.Encoder, and here its options with `name` and `build`,
and its place in the union at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from data.options import ImageOptions
from options.base import Options

if TYPE_CHECKING:
    from models.encoder import Encoder


class LoraOptions(Options):
    """Low-rank adapters (arXiv 2106.09685), which are trained in the place of a backbone's weights; through peft."""

    rank: int = Field(default=8, ge=1)
    """Width of the adapters."""
    alpha: float = Field(default=16.0, gt=0)
    """What they add is multiplied by alpha / rank."""
    targets: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Last parts of the names of the linear layers that are given one, such as [query, value]; null for all."""


class EncoderOptions(Options):
    """What every encoder has."""

    freeze: Annotated[int, Field(ge=0)] | Literal["all"] = 0
    """Lowest stages (image) or layers (text) that are not trained, with all below them, or all; dropout and the
    statistics of batch normalisation stand still there."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Type of the weights, whatever type they are stored in; the half ones are for encoders that are frozen as a
    whole, since small steps vanish in them."""

    lora: LoraOptions | None = None
    """Adapters that are trained while the backbone's own weights stand still; checkpoints hold them alone, so that the
    pretrained weights have to stay where they are. Null to train the weights themselves."""

    @model_validator(mode="after")
    def _adapters_stand_for_all_that_is_trained(self) -> Self:
        if self.lora is not None and (self.freeze != 0 or self.dtype != "float32"):
            raise ValueError("lora freezes the backbone's own weights: leave freeze and dtype out")
        return self

    def finished(self, encoder: Encoder, option: str) -> Encoder:
        """Return a new encoder with what is frozen, adapted and narrowed by these options."""
        encoder = encoder.freeze(self.freeze, option).keep_in(self.dtype)
        return encoder.adapt(self.lora.rank, self.lora.alpha, self.lora.targets, option) if self.lora else encoder

    @model_validator(mode="after")
    def _what_is_trained_is_float32(self) -> Self:
        if self.dtype != "float32" and self.freeze != "all":
            raise ValueError(f"weights of dtype {self.dtype} cannot be trained: set freeze to all, or dtype to float32")
        return self


class TimmImageEncoderOptions(EncoderOptions):
    """An image encoder of timm."""

    name: Literal["timm"]
    """Library of the encoder."""
    architecture: str
    """timm's model name, with the tag of the pretrained weights if they are wanted; or a folder of timm or
    open_clip."""
    arguments: Mapping[str, JsonValue] = {}
    """Further arguments of timm.create_model, such as img_size or drop_path_rate."""
    levels: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] | None = None
    """Feature levels (timm's feature_info, 0 the finest, in ascending order) whose channels' means and standard
    deviations over places, all of them and those in the middle, are the features; null for the last map in timm's own
    pooling."""
    channels_last: bool = False
    """Whether the numbers of a pixel lie side by side, in which order convolutions are faster on the CPU; the results
    differ in last bits."""
    colours: bool = False
    """Whether a histogram of a picture's colours, in the whole of it and in its middle, stands beside the features."""
    weights: str = "pretrained"
    """pretrained (by name, from the hub or its cache), random, or a file or folder, also package:NAME/PATH, one in an
    installed package."""

    @field_validator("levels")
    @classmethod
    def _levels_ascend(cls, levels: tuple[int, ...] | None) -> tuple[int, ...] | None:
        # timm gives the maps in this order, whatever the order of the numbers.
        if levels is not None and list(levels) != sorted(set(levels)):
            raise ValueError(f"levels come in ascending order, each once: give {sorted(set(levels))}")
        return levels

    @property
    def hub_name(self) -> str | None:
        """The name by which the hub may have to be asked, if any."""
        return self.architecture if self.weights == "pretrained" else None

    def build(self, image: ImageOptions) -> Encoder:
        """Build the encoder of pictures that are prepared by these options, with its first weights."""
        from models.timm_image_encoder import build_timm_image_encoder

        encoder = build_timm_image_encoder(
            self.architecture, self.arguments, self.weights, self.levels, self.channels_last
        )
        if self.colours:
            encoder.add_colours(*image.normalisation)
        return self.finished(encoder, "model.image_encoder")


class TransformersEncoderOptions(EncoderOptions):
    """What the encoders of transformers have."""

    name: Literal["transformers"]
    """Library of the encoder."""
    architecture: str | Mapping[str, JsonValue]
    """Hub name, folder with config.json (also package:NAME/PATH, one in an installed package), or the fields of the
    config (model_type among them)."""
    weights: str = "pretrained"
    """pretrained (those of the architecture), random, or a folder."""
    projection: bool = False
    """Whether the features are those that a dual model (CLIP, SigLIP, Chinese-CLIP) projects to the space of texts and
    images."""

    @property
    def hub_name(self) -> str | None:
        """The name by which the hub may have to be asked, if any."""
        return self.architecture if isinstance(self.architecture, str) else None


class TransformersImageEncoderOptions(TransformersEncoderOptions):
    """An image encoder of transformers."""

    pooling: Literal["mean", "cls"] = "mean"
    """How the last hidden states become one vector: their mean, or the first one; with projection, the model's way."""

    def build(self, image: ImageOptions) -> Encoder:
        """Build the encoder of pictures that are prepared by these options, with its first weights."""
        from models.transformers_encoders import build_transformers_image_encoder

        encoder = build_transformers_image_encoder(
            self.architecture, self.weights, image.size, self.pooling, self.projection
        )
        return self.finished(encoder, "model.image_encoder")


class TransformersTextEncoderOptions(TransformersEncoderOptions):
    """A text encoder of transformers."""

    pooling: Literal["cls", "mean", "last", "words"] | None = None
    """How hidden states become one vector: the last one at [CLS], their mean over tokens, or the one at the last token;
    or the mean of the embeddings that the first layer reads, which tell words apart that mean about the same, beside
    that of the last ones. Null for what a folder of sentence-transformers asks for, else last for a model that reads
    from left to right and cls for others."""

    def build(self) -> Encoder:
        """Build the encoder with its first weights."""
        from models.transformers_encoders import build_transformers_text_encoder

        encoder = build_transformers_text_encoder(self.architecture, self.weights, self.pooling, self.projection)
        return self.finished(encoder, "model.text_encoder")


ImageEncoderOptions = Annotated[TimmImageEncoderOptions | TransformersImageEncoderOptions, Field(discriminator="name")]
TextEncoderOptions = TransformersTextEncoderOptions
