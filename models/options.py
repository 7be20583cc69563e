"""Options of the model section; torch is imported only when something is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from data.options import ComparedAttributes
from models.feature_kind import KindName
from options.base import Options
from options.nearest import nearest

if TYPE_CHECKING:
    from models.encoder import Encoder


class EncoderOptions(Options):
    """What every encoder has."""

    freeze: Annotated[int, Field(ge=0)] | Literal["all"] = 0
    """Lowest stages (image) or layers (text) that are not trained, with all below them, or all; dropout and the
    statistics of batch normalisation stand still there."""


class ColourOptions(Options):
    """A histogram of a picture's colours, in the whole of it and in its middle, beside the encoder's features."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """data.image.mean, which is undone to see the colours."""
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    """data.image.std, likewise."""


class TimmImageEncoderOptions(EncoderOptions):
    """An image encoder of timm."""

    name: Literal["timm"]
    """Library of the encoder."""
    architecture: str
    """timm's model name, with the tag of the pretrained weights if they are wanted."""
    arguments: Mapping[str, JsonValue] = {}
    """Further arguments of timm.create_model, such as img_size or drop_path_rate."""
    levels: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] | None = None
    """Feature levels (timm's feature_info, 0 the finest, in ascending order) whose channels' means and standard
    deviations over places, all of them and those in the middle, are the features; null for the last map in timm's own
    pooling."""
    channels_last: bool = False
    """Whether the numbers of a pixel lie side by side, in which order convolutions are faster on the CPU; the results
    differ in last bits."""
    colours: ColourOptions | None = None
    """Histogram of colours beside the features; null for none."""
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

    def build(self) -> Encoder:
        """Build the encoder with its first weights."""
        from models.timm_image_encoder import build_timm_image_encoder

        encoder = build_timm_image_encoder(
            self.architecture, self.arguments, self.weights, self.levels, self.channels_last
        )
        if self.colours is not None:
            encoder.add_colours(self.colours.mean, self.colours.std)
        return encoder.freeze(self.freeze, "model.image_encoder")


class TransformersImageEncoderOptions(EncoderOptions):
    """An image encoder of transformers."""

    name: Literal["transformers"]
    """Library of the encoder."""
    architecture: str | Mapping[str, JsonValue]
    """Hub name, folder with config.json (also package:NAME/PATH, one in an installed package), or the fields of the
    config (model_type among them)."""
    pooling: Literal["mean", "cls"] = "mean"
    """How the last hidden states become one vector: their mean, or the first one."""
    weights: str = "pretrained"
    """pretrained (those of the architecture), random, or a folder."""

    @property
    def hub_name(self) -> str | None:
        """The name by which the hub may have to be asked, if any."""
        return self.architecture if isinstance(self.architecture, str) else None

    def build(self) -> Encoder:
        """Build the encoder with its first weights."""
        from models.transformers_encoders import build_transformers_image_encoder

        encoder = build_transformers_image_encoder(self.architecture, self.pooling, self.weights)
        return encoder.freeze(self.freeze, "model.image_encoder")


class TransformersTextEncoderOptions(EncoderOptions):
    """A text encoder of transformers."""

    name: Literal["transformers"]
    """Library of the encoder."""
    architecture: str | Mapping[str, JsonValue]
    """Hub name, folder with config.json (also package:NAME/PATH, one in an installed package), or the fields of the
    config (model_type among them)."""
    pooling: Literal["cls", "words"] = "cls"
    """How hidden states become one vector: the last one at [CLS]; or the mean over tokens of the embeddings that the
    first layer reads, which tell words apart that mean about the same, beside that of the last ones."""
    weights: str = "pretrained"
    """pretrained (those of the architecture), random, or a folder."""

    @property
    def hub_name(self) -> str | None:
        """The name by which the hub may have to be asked, if any."""
        return self.architecture if isinstance(self.architecture, str) else None

    def build(self) -> Encoder:
        """Build the encoder with its first weights."""
        from models.transformers_encoders import build_transformers_text_encoder

        encoder = build_transformers_text_encoder(self.architecture, self.weights, self.pooling)
        return encoder.freeze(self.freeze, "model.text_encoder")


ImageEncoderOptions = Annotated[TimmImageEncoderOptions | TransformersImageEncoderOptions, Field(discriminator="name")]
TextEncoderOptions = TransformersTextEncoderOptions


class ComponentsOptions(Options):
    """Principal components, at most, of each block of a kind's features, each of variance 1; null for the features as
    they are, each of variance 1."""

    text: Annotated[int, Field(ge=1)] | None = None
    """Of the last states, and of the words beside them."""
    image: Annotated[int, Field(ge=1)] | None = None
    """Of each level."""
    colours: Annotated[int, Field(ge=1)] | None = None
    """Of the histogram."""

    def of(self, kind: KindName) -> int | None:
        """Return the number for a kind of features."""
        return {"text": self.text, "image": self.image, "colours": self.colours}[kind]


class HeadsOptions(Options):
    """A head for each kind of features (text, image, colours), and embeddings whose dot product is the sum of the
    heads' cosines, each times a learned weight."""

    components: ComponentsOptions = ComponentsOptions()
    """Principal components that heads see; they come from the training items, before the first step."""


class AgreementOptions(Options):
    """Attributes whose stated values are compared: a pair's threshold rises by each one that both items state, and its
    match where the values are equal; both by learned weights, one of each an attribute."""

    attributes: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the attributes; an item that does not state one is not compared by it."""
    in_title: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    """Values, by attribute, that are looked for in the title of an item which does not state that attribute; where the
    title has just one of them, the item is taken to state it."""
    codes: int = Field(default=32, ge=2)
    """Numbers in the match embedding for each attribute; one pair of other values in so many passes for equal."""
    weight: float = Field(default=4.0, gt=0)
    """First value of the weights."""

    @property
    def compared(self) -> ComparedAttributes:
        """What is read of items."""
        return ComparedAttributes(self.attributes, self.in_title)

    @model_validator(mode="after")
    def _titles_stand_in_for_attributes_that_are_compared(self) -> Self:
        for name in self.in_title:
            if name not in self.attributes:
                near = nearest(name, self.attributes)
                advice = f"did you mean {near}?" if near else "give it there too"
                raise ValueError(f"in_title has {name}, which attributes has not: {advice}")
        return self


class ModelOptions(Options):
    """The two-branch item encoder."""

    image_encoder: ImageEncoderOptions | None = None
    """Image encoder; null to decide on text alone."""
    text_encoder: TextEncoderOptions | None = None
    """Text encoder; null to decide on images alone."""
    embedding_width: int = Field(default=512, ge=1)
    """Numbers in the embedding of each branch; with heads, dealt evenly to them."""
    threshold_branch: bool = True
    """Whether items have a threshold embedding; false gives match embeddings only, for a fixed threshold."""
    share_encoders: bool = False
    """Whether both branches use one pair of encoders, each with a projection of its own; an encoder that is frozen as
    a whole is shared anyway."""
    normalize: bool = False
    """Whether embeddings have length 1, so that dot products are cosines."""
    standardize: bool = False
    """Whether each feature is brought to mean 0 and variance 1 before the projection, by the statistics of the batch
    in training and their running means after it (batch normalisation without learned factors)."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the features that a training step leaves out before each projection."""
    heads: HeadsOptions | None = None
    """A head for each kind of features in the place of one projection of all; it needs normalize, scale, encoders that
    are frozen as a whole, and train.frozen_features. null for one projection."""
    agreement: AgreementOptions | None = None
    """Attributes whose stated values are compared, in further numbers of both embeddings; null for none."""
    scale: Annotated[float, Field(gt=0)] | None = None
    """First value of a learned factor of normalised embeddings' dot products, of each branch and head its own; null for
    cosines. The embeddings hold its root, so that the score stays one inner product."""
    weights: str | None = None
    """Checkpoint to start from: a folder of ours, its item_encoder.safetensors, or a published .pth."""

    @model_validator(mode="after")
    def _has_an_encoder(self) -> Self:
        if self.image_encoder is None and self.text_encoder is None:
            raise ValueError("image_encoder and text_encoder are both null: give at least one")
        return self

    @model_validator(mode="after")
    def _scale_is_for_cosines(self) -> Self:
        if self.scale is not None and not self.normalize:
            raise ValueError("scale is for embeddings of length 1: set normalize to true, or scale to null")
        return self

    @model_validator(mode="after")
    def _heads_weigh_cosines_of_known_features(self) -> Self:
        if self.heads is None:
            return self
        if not self.normalize or self.scale is None or self.standardize:
            raise ValueError(
                "heads weigh cosines of features of variance 1: set normalize and scale, and not standardize"
            )
        encoders = {"image_encoder": self.image_encoder, "text_encoder": self.text_encoder}
        trained = [name for name, encoder in encoders.items() if encoder is not None and encoder.freeze != "all"]
        if trained:
            raise ValueError(f"heads are fitted to features before training: set model.{trained[0]}.freeze to all")
        return self
