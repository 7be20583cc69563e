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
        normalize: bool,
    ) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.image_encoder = image_encoder
        self.projection = nn.Linear(feature_width, embedding_width)
        self.normalize = normalize

    def features(self, items: ItemBatch) -> Tensor:
        """Return the features of N items, text first: (N, feature width)."""
        encoders = [encoder for encoder in (self.text_encoder, self.image_encoder) if encoder is not None]
        return torch.cat([encoder(items) for encoder in encoders], dim=1)

    def project(self, features: Tensor) -> Tensor:
        """Return the embeddings of features: (N, D)."""
        embedding: Tensor = self.projection(features)
        return functional.normalize(embedding.float(), dim=1) if self.normalize else embedding
