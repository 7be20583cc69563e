"""From the features of items to embeddings whose dot products are weighted sums of cosines, one a kind of features.

Letters of shapes: N items, F features, W width of a head, D embedding width.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.feature_kind import FeatureKind, KindName
from models.whitening import Whitening


class Head(nn.Module):
    """Gives each item a direction by the features of one kind."""

    def __init__(self, kind: FeatureKind, width: int, most_components: int | None, dropout: float) -> None:
        super().__init__()
        self.whitening = Whitening(kind.widths, most_components)
        self.dropout = dropout
        self.linear = nn.Linear(self.whitening.out_features, width, bias=False)
        nn.init.normal_(self.linear.weight, std=self.linear.in_features**-0.5)

    def forward(self, features: Tensor) -> Tensor:
        """Return directions of length 1 (N, W) of features (N, F)."""
        kept = functional.dropout(self.whitening(features), self.dropout, self.training)
        return functional.normalize(self.linear(kept), dim=1)


class HeadProjection(nn.Module):
    """Embeddings whose dot product is the sum of the heads' cosines, each times a learned weight.

    No kind of features can outweigh another by its number or its variance, as in one projection of all.
    """

    def __init__(
        self,
        kinds: Sequence[FeatureKind],
        out_features: int,
        most_components: Callable[[KindName], int | None],
        scale: float,
        dropout: float,
    ) -> None:
        """Deal the embedding evenly to the heads; raises ValueError where that leaves a rest.

        `scale` is the first value of each head's weight.
        """
        super().__init__()
        width, rest = divmod(out_features, len(kinds))
        if rest or not width:
            raise ValueError(f"{out_features} numbers cannot be dealt evenly to {len(kinds)} heads")
        self.widths = [sum(kind.widths) for kind in kinds]
        self.in_features, self.out_features = sum(self.widths), out_features
        self.heads = nn.ModuleList([Head(kind, width, most_components(kind.name), dropout) for kind in kinds])
        # Their logarithms, so that the weights stay positive.
        self.log_scale = nn.Parameter(torch.full((len(kinds),), math.log(scale)))

    def fit(self, features: Tensor) -> None:
        """Fit the whitening of all heads to the features (N, F) of the items that are trained on."""
        for head, part in zip(self.heads, self._parts(features), strict=True):
            assert isinstance(head, Head)
            head.whitening.fit(part)

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings (N, D) of features (N, F), in float32."""
        with torch.autocast(features.device.type, enabled=False):
            # Both sides of a pair have the root of a weight, so their dot product has the weight.
            factors = (self.log_scale / 2).exp()
            parts = zip(factors, self.heads, self._parts(features), strict=True)
            return torch.cat([factor * head(part) for factor, head, part in parts], dim=1)

    def _parts(self, features: Tensor) -> tuple[Tensor, ...]:
        """Return the features of each head."""
        return torch.split(features.float(), self.widths, dim=1)
