"""Options of the loss section; torch is imported only when a loss is built.

A further loss is one file with a subclass of losses.pair_loss.PairLoss, and here its options with `name`, `score` and
`build`, and its place in the union at the end.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from models.options import Score
from options.base import Options

if TYPE_CHECKING:
    from losses.pair_loss import PairLoss


class InBatchNegativesOptions(Options):
    """Further negative pairs: all pairs of the batch's items that belong to different products."""

    weight: float = Field(default=1.0, gt=0)
    """Factor of their mean loss beside the mean loss of the labelled pairs."""


class SupervisedContrastOptions(Options):
    """A supervised contrastive loss: of each item of the batch among all others, for those of its product."""

    weight: float = Field(default=1.0, gt=0)
    """Factor of its mean beside the mean loss of the labelled pairs."""
    temperature: float = Field(default=0.07, gt=0)
    """By which margins are divided before the softmax."""


class PairLossOptions(Options):
    """What every loss has."""

    score: ClassVar[Score]
    """What the decision value of pairs has to be for this loss."""

    in_batch_negatives: InBatchNegativesOptions | None = None
    """Further negatives out of the batches of all processes; null for none."""

    supervised_contrast: SupervisedContrastOptions | None = None
    """A loss over the items of the batches of all processes; null for none."""

    @abstractmethod
    def build(self) -> PairLoss:
        """Build the loss."""


class SelfAdaptiveThresholdOptions(PairLossOptions):
    """Logistic loss on the margin, match minus threshold."""

    score = "margin"

    name: Literal["self_adaptive_threshold"]
    """Name of the loss."""
    threshold: float | None = None
    """First value of a learned threshold of the margin, for all pairs and beside their own; null for 0, as published.
    Normalised embeddings need it, whose margins cannot shift."""

    def build(self) -> PairLoss:
        """Build the loss."""
        from losses.logistic import LogisticLoss

        return LogisticLoss(self.threshold)


class FixedThresholdOptions(PairLossOptions):
    """Logistic loss on the cosine, with a learned scale and one learned threshold for all pairs."""

    score = "cosine"

    name: Literal["fixed_threshold"]
    """Name of the loss."""
    scale: float = Field(default=10.0, gt=0)
    """First value of the learned scale."""
    threshold: float = Field(default=0.5, gt=-1, lt=1)
    """First value of the learned threshold, a cosine."""

    def build(self) -> PairLoss:
        """Build the loss."""
        from losses.logistic import LogisticLoss

        return LogisticLoss(self.threshold, self.scale)


class LearnedThresholdOptions(PairLossOptions):
    """Logistic loss on the plain dot product, with one learned threshold for all pairs."""

    score = "dot_product"

    name: Literal["learned_threshold"]
    """Name of the loss."""
    threshold: float = 0.0
    """First value of the learned threshold."""

    def build(self) -> PairLoss:
        """Build the loss."""
        from losses.logistic import LogisticLoss

        return LogisticLoss(self.threshold)


class ContrastiveOptions(PairLossOptions):
    """Contrastive loss on the distance of normalised embeddings."""

    score = "cosine"

    name: Literal["contrastive"]
    """Name of the loss."""
    margin: float = Field(default=1.0, gt=0, le=2)
    """Distance from which on a negative pair costs nothing."""

    def build(self) -> PairLoss:
        """Build the loss."""
        from losses.contrastive import ContrastiveLoss

        return ContrastiveLoss(self.margin)


LossOptions = Annotated[
    SelfAdaptiveThresholdOptions | FixedThresholdOptions | LearnedThresholdOptions | ContrastiveOptions,
    Field(discriminator="name"),
]
