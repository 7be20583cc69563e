"""One branch of the model: encoders of image and text, and a projection."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from data.pair_batch import ItemBatch
from models.encoder import Encoder


class ItemBranch(nn.Module):
    """Text and image features side by side, projected to an embedding of width D.

    A branch without encoders of its own projects another branch's features.
    """

    def __init__(
        self,
        text_encoder: Encoder | None,
        image_encoder: Encoder | None,
        feature_width: int,
        embedding_width: int,
        normalize_features: bool,
        normalize: bool,
    ) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.image_encoder = image_encoder
        self.text_norm = _norm(text_encoder, normalize_features)
        self.image_norm = _norm(image_encoder, normalize_features)
        self.projection = nn.Linear(feature_width, embedding_width)
        self.normalize = normalize

    def features(self, items: ItemBatch) -> Tensor:
        """Return the features of N items, text first: (N, feature width)."""
        parts = ((self.text_encoder, self.text_norm), (self.image_encoder, self.image_norm))
        return torch.cat([norm(encoder(items)) for encoder, norm in parts if encoder is not None], dim=1)

    def project(self, features: Tensor) -> Tensor:
        """Return the embeddings of features: (N, D)."""
        embedding: Tensor = self.projection(features)
        return functional.normalize(embedding.float(), dim=1) if self.normalize else embedding


def _norm(encoder: Encoder | None, normalize: bool) -> nn.Module:
    return nn.LayerNorm(encoder.width) if normalize and encoder is not None else nn.Identity()
