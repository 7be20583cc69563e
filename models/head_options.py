"""Options of the head; torch is imported only when one is built.

A further head is one file with a subclass of models.heads.Head, and here its options with `name`, `score` and `build`,
and its place in the union at the end.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from options.base import Options

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

        return CosineHead(num_features(groups), width, self.scale, self.standardize, self.dropout)


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
