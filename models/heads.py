"""From the features of items to their embeddings by one linear map.

Letters of shapes: N items, F features, D embedding width.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.encoder import FeatureGroup


class Head(nn.Module):
    """Gives embeddings (N, D) of features (N, F), all groups of them side by side."""

    in_features: int
    out_features: int

    def fit(self, features: Tensor) -> None:
        """Fit what is fitted once before training to the features (N, F) of the items that are trained on."""


def num_features(groups: Iterable[FeatureGroup]) -> int:
    """Return the number F of features in all groups."""
    return sum(sum(group.widths) for group in groups)


class LinearHead(nn.Linear, Head):
    """A linear map of all features side by side, and what is done to them before it."""

    def __init__(self, in_features: int, out_features: int, standardize: bool = False, dropout: float = 0.0) -> None:
        super().__init__(in_features, out_features)
        self.standardize = nn.BatchNorm1d(in_features, affine=False) if standardize else None
        self.dropout = dropout

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings (N, D) of features (N, F)."""
        if self.standardize is not None:
            features = self._standardised(self.standardize, features.float())
        return super().forward(functional.dropout(features, self.dropout, self.training))

    def _standardised(self, statistics: nn.BatchNorm1d, features: Tensor) -> Tensor:
        if self.training and len(features) == 1:  # one item, paired with itself, has no variance of its own
            mean, variance = statistics.running_mean, statistics.running_var
            return functional.batch_norm(features, mean, variance, eps=statistics.eps)
        standard: Tensor = statistics(features)
        return standard


class CosineHead(LinearHead):
    """A linear head whose embeddings have length 1, or, with a learned factor of dot products, its root."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        scale: float | None = None,
        standardize: bool = False,
        dropout: float = 0.0,
    ) -> None:
        """Take the first value of the factor, None for none."""
        super().__init__(in_features, out_features, standardize, dropout)
        # Its logarithm, so that the factor stays positive.
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale), dtype=torch.float32)) if scale is not None else None

    def keep_angles(self) -> None:
        """Make the map one that turns features, and drops directions where it has fewer outputs."""
        if self.in_features == self.out_features:
            nn.init.eye_(self.weight)
        else:
            nn.init.orthogonal_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings (N, D) of features (N, F), in float32."""
        direction = functional.normalize(super().forward(features).float(), dim=1)
        # Both sides of a pair have the root of the factor, so their dot product has the factor.
        return direction if self.log_scale is None else direction * (self.log_scale / 2).exp()
