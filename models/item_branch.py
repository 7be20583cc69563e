"""One branch of the model: encoders of image and text, and a projection."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from data.pair_batch import ItemBatch
from models.encoder import Encoder
from models.head_projection import HeadProjection
from models.projection import Projection


class ItemFeatures(NamedTuple):
    """The features of N items; None for a modality that the model does not read."""

    text: Tensor | None
    """(N, width of the text encoder)"""
    image: Tensor | None
    """(N, width of the image encoder)"""

    def joined(self) -> Tensor:
        """Return them side by side, text first: (N, feature width)."""
        return torch.cat([features for features in self if features is not None], dim=1)


NO_FEATURES = ItemFeatures(None, None)


class ItemBranch(nn.Module):
    """Text and image features side by side, projected to an embedding of width D.

    A branch without an encoder of its own takes another branch's features of that modality.
    """

    def __init__(
        self,
        text_encoder: Encoder | None,
        image_encoder: Encoder | None,
        projection: Projection | HeadProjection,
    ) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.image_encoder = image_encoder
        self.projection = projection

    def features(self, items: ItemBatch, others: ItemFeatures = NO_FEATURES) -> ItemFeatures:
        """Return the features of N items; `others` are those of the branch whose encoders are used as well."""
        return ItemFeatures(
            text=_features(self.text_encoder, items.runs(), items.text_features, others.text),
            image=_features(self.image_encoder, [items], items.image_features, others.image),
        )

    def project(self, features: ItemFeatures) -> Tensor:
        """Return the embeddings of the features of N items: (N, D)."""
        embeddings: Tensor = self.projection(features.joined())
        return embeddings


def _features(
    encoder: Encoder | None, parts: Iterable[ItemBatch], known: Tensor, others: Tensor | None
) -> Tensor | None:
    if encoder is None:
        return others
    if encoder.is_frozen and len(known):
        return known
    return torch.cat([encoder(part) for part in parts])
