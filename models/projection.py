"""From the features of items to their embeddings by one linear map."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class Projection(nn.Linear):
    """A linear map of all features side by side, and what is done to them before it and to its result after it.

    Letters of shapes: N items, F features, D embedding width.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        normalize: bool = False,
        scale: float | None = None,
        standardize: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(in_features, out_features)
        self.standardize = nn.BatchNorm1d(in_features, affine=False) if standardize else None
        self.dropout = dropout
        self.normalize = normalize
        # Its logarithm, so that the factor of dot products stays positive.
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale), dtype=torch.float32)) if scale is not None else None

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings (N, D) of features (N, F)."""
        if self.standardize is not None:
            features = self._standardised(self.standardize, features.float())
        embedding = super().forward(functional.dropout(features, self.dropout, self.training))
        if not self.normalize:
            return embedding
        direction = functional.normalize(embedding.float(), dim=1)
        # Both sides of a pair have the root of the factor, so their dot product has the factor.
        return direction if self.log_scale is None else direction * (self.log_scale / 2).exp()

    def _standardised(self, statistics: nn.BatchNorm1d, features: Tensor) -> Tensor:
        if self.training and len(features) == 1:  # one item, paired with itself, has no variance of its own
            mean, variance = statistics.running_mean, statistics.running_var
            return functional.batch_norm(features, mean, variance, eps=statistics.eps)
        standard: Tensor = statistics(features)
        return standard
