"""Options of the loss section; torch is imported only when something is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from options.base import Options

if TYPE_CHECKING:
    from losses.pair_loss import PairLoss


class InBatchNegativesOptions(Options):
    """Further negative pairs: all pairs of the batch's items that belong to different products."""

    weight: float = Field(default=1.0, gt=0)
    """Factor of their mean loss beside the mean loss of the labelled pairs."""


class PairLossOptions(Options):
    """What every loss has."""

    in_batch_negatives: InBatchNegativesOptions | None = None
    """Further negatives out of the batches of all processes; null for none."""


class SelfAdaptiveThresholdOptions(PairLossOptions):
    """Logistic loss on the margin, match minus threshold."""

    name: Literal["self_adaptive_threshold"]
    """Kind of loss."""
    threshold: float | None = None
    """First value of a learned threshold of the margin, for all pairs and beside their own; null for 0, as published.
    Normalised embeddings need it, whose margins cannot shift."""

    def build(self) -> PairLoss:
        """Build the loss."""
        from losses.self_adaptive_threshold import SelfAdaptiveThresholdLoss

        return SelfAdaptiveThresholdLoss(self.threshold)


class FixedThresholdOptions(PairLossOptions):
    """Logistic loss on the cosine, with a learned scale and one learned threshold for all pairs."""

    name: Literal["fixed_threshold"]
    """Kind of loss."""
    scale: float = Field(default=10.0, gt=0)
    """First value of the learned scale."""
    threshold: float = Field(default=0.5, gt=-1, lt=1)
    """First value of the learned threshold, a cosine."""

    def build(self) -> PairLoss:
        """Build the loss."""
        from losses.fixed_threshold import FixedThresholdLoss

        return FixedThresholdLoss(self.scale, self.threshold)


class LearnedThresholdOptions(PairLossOptions):
    """Logistic loss on the plain dot product, with one learned threshold for all pairs."""

    name: Literal["learned_threshold"]
    """Kind of loss."""
    threshold: float = 0.0
    """First value of the learned threshold."""

    def build(self) -> PairLoss:
        """Build the loss."""
        from losses.learned_threshold import LearnedThresholdLoss

        return LearnedThresholdLoss(self.threshold)


class ContrastiveOptions(PairLossOptions):
    """Contrastive loss on the distance of normalised embeddings."""

    name: Literal["contrastive"]
    """Kind of loss."""
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
