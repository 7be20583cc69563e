"""The model as it is trained: with its loss in one module, compiled, the same in each of several processes."""

import random
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from data.pair_batch import PairBatch
from engine.distributed import Processes, copy_from_first, gather_with_gradient
from engine.options import Precision
from engine.precision import autocast
from losses.options import LossOptions
from losses.pair_loss import in_batch_negative_loss
from losses.supervised_contrast import supervised_contrast
from models.embedding import ItemEmbedding, PairScore, cross_score
from models.item_encoder import ItemEncoder, PairVerifier

BUCKET_MEBIBYTES = 25
"""Of gradients that are sent together."""


class TrainingOutput(NamedTuple):
    """What a batch gives."""

    loss: Tensor
    """() float32"""
    score: PairScore
    """(B,) each, of the labelled pairs"""


class TrainingModel(nn.Module):
    """Scores a batch of pairs and computes its loss."""

    def __init__(self, item_encoder: ItemEncoder, options: LossOptions, precision: Precision) -> None:
        super().__init__()
        self.verifier = PairVerifier(item_encoder)
        self.loss = options.build()
        self.negatives_weight = options.in_batch_negatives.weight if options.in_batch_negatives else 0.0
        self.contrast = options.supervised_contrast
        self.precision: Precision = precision

    @property
    def item_encoder(self) -> ItemEncoder:
        """The encoder that is trained."""
        return self.verifier.item_encoder

    def forward(self, batch: PairBatch) -> TrainingOutput:
        """Return the mean loss of the B labelled pairs, plus the weighted ones over all items of the batch."""
        # The encoders alone run in half precision; scores and losses are float32.
        with autocast(self.precision, batch.same.device):
            verified = self.verifier(batch)
        loss = self.loss(verified.score, batch.same).mean()
        if self.negatives_weight > 0 or self.contrast is not None:
            loss = loss + self._over_items(verified.items, batch)
        return TrainingOutput(loss, verified.score)

    def _over_items(self, items: ItemEmbedding, batch: PairBatch) -> Tensor:
        everywhere = ItemEmbedding(*(gather_with_gradient(embedding.float()) for embedding in items))
        item, group = gather_with_gradient(batch.items.item), gather_with_gradient(batch.group)
        loss = everywhere.match.new_zeros(())
        if self.negatives_weight > 0:
            loss = loss + self.negatives_weight * in_batch_negative_loss(self.loss, everywhere, item, group)
        if self.contrast is not None:
            margin = cross_score(everywhere, everywhere).margin
            loss = loss + self.contrast.weight * supervised_contrast(margin, item, group, self.contrast.temperature)
        return loss


def compile_encoders(encoder: ItemEncoder, device: torch.device) -> str | None:
    """Have the encoders compiled when they first run; return why not, where the machine has no compiler."""
    number = random.random()  # another one each time, or the answer would come from a cache of earlier runs
    try:
        torch.compile(lambda numbers: numbers.sin() + number)(torch.zeros(8, device=device))
    except RuntimeError as error:  # what torch's compiler raises in all its forms
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        return f"train.compile: nothing is compiled, since torch.compile finds no compiler that works: {reason}"
    for each in encoder.encoders():
        # The number of distinct items and the longest text differ from batch to batch.
        each.compile(dynamic=True)
    return None


def share_statistics(model: nn.Module) -> None:
    """Give all processes the first one's statistics of batch normalisation, which on the CPU each takes by itself."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for buffer in module.buffers(recurse=False):
                copy_from_first(buffer)


def data_parallel(
    model: nn.Module, processes: Processes, bucket_mebibytes: int = BUCKET_MEBIBYTES, static_graph: bool = False
) -> nn.Module:
    """Return the module to call in training: the model itself, or on several processes one that exchanges gradients.

    `static_graph` is for models that use the same weights at every step, without accumulation.
    """
    if processes.count == 1:
        return model
    on_gpu = processes.device.type == "cuda"
    if on_gpu:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
    has_statistics = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    return DistributedDataParallel(
        model,
        device_ids=[processes.device] if on_gpu else None,
        forward_sync_buffers=has_statistics,
        gradient_as_bucket_view=True,
        bucket_cap_mb=bucket_mebibytes,
        static_graph=static_graph,
        # Else the gradients are put into other buckets after the first step of a process, and where more than two
        # numbers are added their place in the bucket decides in which order: a resumed run would differ in last bits.
        find_unused_parameters=processes.count > 2 and not static_graph,
    )
