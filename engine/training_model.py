"""The model and its loss as one module, which is what data-parallel training wraps."""

from typing import NamedTuple

from torch import Tensor, nn

from data.pair_batch import PairBatch
from engine.distributed import gather_with_gradient
from engine.options import Precision
from engine.precision import autocast
from losses.in_batch_negatives import in_batch_negative_loss
from losses.options import LossOptions
from losses.pair_loss import PairLoss
from models.embedding import ItemEmbedding, PairScore
from models.item_encoder import ItemEncoder
from models.pair_verifier import PairVerifier


class TrainingOutput(NamedTuple):
    """What a batch gives."""

    loss: Tensor
    """() float32"""
    score: PairScore
    """(B,) each, of the labelled pairs"""


class TrainingModel(nn.Module):
    """Scores a batch of pairs and computes its loss."""

    def __init__(
        self, item_encoder: ItemEncoder, loss: PairLoss, negatives_weight: float, precision: Precision
    ) -> None:
        super().__init__()
        self.verifier = PairVerifier(item_encoder)
        self.loss = loss
        self.negatives_weight = negatives_weight
        self.precision: Precision = precision

    @property
    def item_encoder(self) -> ItemEncoder:
        """The encoder that is trained."""
        return self.verifier.item_encoder

    def forward(self, batch: PairBatch) -> TrainingOutput:
        """Return the mean loss of the B labelled pairs, plus the weighted one of the in-batch negatives."""
        # The encoders alone run in half precision; scores and losses are float32.
        with autocast(self.precision, batch.same.device):
            verified = self.verifier(batch)
        loss = self.loss(verified.score, batch.same).mean()
        if self.negatives_weight > 0:
            loss = loss + self.negatives_weight * self._negatives(verified.items, batch)
        return TrainingOutput(loss, verified.score)

    def _negatives(self, items: ItemEmbedding, batch: PairBatch) -> Tensor:
        everywhere = ItemEmbedding(*(gather_with_gradient(embedding.float()) for embedding in items))
        return in_batch_negative_loss(
            self.loss, everywhere, gather_with_gradient(batch.items.item), gather_with_gradient(batch.group)
        )


def build_training_model(item_encoder: ItemEncoder, options: LossOptions, precision: Precision) -> TrainingModel:
    """Join an encoder and the loss of the options."""
    negatives = options.in_batch_negatives
    return TrainingModel(item_encoder, options.build(), negatives.weight if negatives else 0.0, precision)
