"""Options of the model section; torch is imported only when a part is built.

A further head is one file with a subclass of models.heads.Head, and here its options with `name`, `score` and `build`,
and its place in the union AnyHeadOptions.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from data.options import AttributeNames, ComparedAttributes
from models.encoder_options import ImageEncoderOptions, TextEncoderOptions
from options.base import Options
from options.fault import nearest

if TYPE_CHECKING:
    from models.encoder import FeatureGroup
    from models.heads import Head

Score = Literal["margin", "dot_product", "cosine"]
"""What a pair's decision value is: the plain dot product or the cosine of match embeddings alone, or any margin."""


class HeadOptions(Options):
    """What every head has."""

    is_fitted: ClassVar[bool] = False
    """Whether it is fitted to the features of the training items before the first step."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the features that a training step leaves out before the projection."""

    @property
    @abstractmethod
    def score(self) -> Score:
        """What the dot product of two of its embeddings is."""

    @abstractmethod
    def build(self, groups: Sequence[FeatureGroup], width: int) -> Head:
        """Build the head of these features that gives embeddings of a width; raises UserError where it cannot."""


class ProjectionOptions(HeadOptions):
    """What the heads of one linear map have."""

    standardize: bool = False
    """Whether each feature is brought to mean 0 and variance 1 before the projection, by the statistics of the batch
    in training and their running means after it (batch normalisation without learned factors)."""


class LinearHeadOptions(ProjectionOptions):
    """One linear map of all features side by side, as published; scores are plain dot products."""

    name: Literal["linear"]
    """Name of the head."""

    @property
    def score(self) -> Score:
        """The plain dot product."""
        return "dot_product"

    def build(self, groups: Sequence[FeatureGroup], width: int) -> Head:
        """Build the head of these features."""
        from models.heads import LinearHead, num_features

        return LinearHead(num_features(groups), width, self.standardize, self.dropout)


class CosineHeadOptions(ProjectionOptions):
    """One linear map of all features side by side to embeddings of length 1, so that scores are cosines."""

    name: Literal["cosine"]
    """Name of the head."""
    start: Literal["random", "features"] = "random"
    """First weights of the linear map: random, or one that keeps the angles between features, so that the first score
    is the pretrained cosine; exactly where embedding_width is the number of features, nearly where it is less."""
    scale: Annotated[float, Field(gt=0)] | None = None
    """First value of a learned factor of the cosines, of each branch its own; null for cosines as they are. The
    embeddings hold its root, so that the score stays one inner product."""

    @property
    def score(self) -> Score:
        """The cosine, unless it has a factor."""
        return "cosine" if self.scale is None else "margin"

    def build(self, groups: Sequence[FeatureGroup], width: int) -> Head:
        """Build the head of these features."""
        from models.heads import CosineHead, num_features

        head = CosineHead(num_features(groups), width, self.scale, self.standardize, self.dropout)
        if self.start == "features":
            head.keep_angles()
        return head


class ComponentsOptions(Options):
    """Principal components, at most, of each block of a group of features, each of variance 1; null for the features
    as they are, each of variance 1."""

    text: Annotated[int, Field(ge=1)] | None = None
    """Of the last states, and of the words beside them."""
    image: Annotated[int, Field(ge=1)] | None = None
    """Of each level."""
    colours: Annotated[int, Field(ge=1)] | None = None
    """Of the histogram."""


class LateFusionHeadOptions(HeadOptions):
    """A projection for each group of features (text, image, colours), and scores that are the sum of the groups'
    cosines, each times a learned weight. It is fitted before training, so it needs encoders that are frozen as a
    whole, and train.frozen_features."""

    is_fitted: ClassVar[bool] = True

    name: Literal["late_fusion"]
    """Name of the head."""
    scale: float = Field(gt=0)
    """First value of the weights. The embeddings hold their roots, so that the score stays one inner product."""
    components: ComponentsOptions = ComponentsOptions()
    """Principal components of the features before the projections; they come from the training items."""

    @property
    def score(self) -> Score:
        """A weighted sum of cosines."""
        return "margin"

    def build(self, groups: Sequence[FeatureGroup], width: int) -> Head:
        """Build the head of these features; raises UserError where the width cannot be dealt evenly to them."""
        from models.late_fusion import LateFusionHead

        return LateFusionHead(groups, width, self.components.model_dump(), self.scale, self.dropout)


AnyHeadOptions = Annotated[LinearHeadOptions | CosineHeadOptions | LateFusionHeadOptions, Field(discriminator="name")]


class AgreementOptions(Options):
    """Attributes whose stated values are compared: a pair's threshold rises by each one that both items state, and its
    match where the values are equal; both by learned weights, one of each an attribute."""

    attributes: Annotated[AttributeNames, Field(min_length=1)]
    """Names of the attributes; an item that does not state one is not compared by it. Names and values of one form
    (docs/small_data.md) are equal."""
    in_title: Mapping[str, Annotated[AttributeNames, Field(min_length=1)]] = {}
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
    needs_images: bool = True
    """Whether image_encoder demands data.*.images; false to leave it out where no split names images."""
    embedding_width: int = Field(default=512, ge=1)
    """Numbers in the embedding of each branch; with late_fusion, dealt evenly to its groups of features."""
    head: AnyHeadOptions = LinearHeadOptions(name="linear")
    """From the features of an item to its embedding, in each branch, and so what the score of a pair is."""
    threshold_branch: bool = True
    """Whether items have a threshold embedding; false gives match embeddings only, for a fixed threshold."""
    share_encoders: bool = False
    """Whether both branches use one pair of encoders, each with a head of its own; an encoder that is frozen as a
    whole is shared anyway."""
    agreement: AgreementOptions | None = None
    """Attributes whose stated values are compared, in further numbers of both embeddings; null for none."""
    weights: str | None = None
    """Checkpoint to start from: a folder of ours, its item_encoder.safetensors, or a published .pth."""

    def changes_for(self, score: Score) -> list[str]:
        """Return what has to be set for the decision value of pairs to be such a score; nothing where it is."""
        if score == "margin":
            return []
        head = {"dot_product": "{name: linear}", "cosine": "{name: cosine, scale: null}"}[score]
        changes = {
            "model.threshold_branch to false": self.threshold_branch,
            f"model.head to {head}": self.head.score != score,
            "model.agreement to null": self.agreement is not None,
        }
        return [change for change, is_due in changes.items() if is_due]

    @model_validator(mode="after")
    def _has_an_encoder(self) -> Self:
        if self.image_encoder is None and self.text_encoder is None:
            raise ValueError("image_encoder and text_encoder are both null: give at least one")
        return self

    @model_validator(mode="after")
    def _features_of_a_fitted_head_stand_still(self) -> Self:
        encoders = {"image_encoder": self.image_encoder, "text_encoder": self.text_encoder}
        trained = [name for name, encoder in encoders.items() if encoder is not None and encoder.freeze != "all"]
        if self.head.is_fitted and trained:
            raise ValueError(
                f"head {self.head.name} is fitted to features before training: set model.{trained[0]}.freeze to all"
            )
        return self
