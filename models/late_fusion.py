"""From the features of items to embeddings whose dot products are weighted sums of cosines, one a group of features.

Letters of shapes: N items, F features, K components, W width of a part of the embedding, D embedding width.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.encoder import FeatureGroup
from models.heads import Head, num_features
from options.errors import UserError

BOUND = 6.0
"""Standard deviations beyond which a number counts as so many."""
FEATURE_FLOOR = 0.05
"""Share of the features' mean deviation that is added to each, so that one which hardly varies is not blown up."""
COMPONENT_FLOOR = 0.3
"""The same of components: the last of them are mostly noise."""


class Whitening(nn.Module):
    """Brings features to mean 0 and about variance 1, and, if so wanted, each block's principal components likewise.

    PCA whitening, regularised (Kessy, Lewin and Strimmer, "Optimal whitening and decorrelation", The American
    Statistician 72(4), 2018). Before the fit the first features are taken as they are. Nothing is trained.
    """

    mean: Tensor
    """(F,)"""
    deviation: Tensor
    """(F,)"""
    axes: Tensor
    """(F, K) of all blocks, zero where a feature and a component are of two"""
    spread: Tensor
    """(K,) deviation of the components"""

    def __init__(self, widths: Sequence[int], most_components: int | None = None) -> None:
        """Give at most so many principal components of each block, or, with None, the features."""
        super().__init__()
        self.widths = list(widths)
        self.is_rotated = most_components is not None
        self.num_components = [min(width, most_components or width) for width in widths]
        self.out_features = sum(self.num_components)
        self.register_buffer("mean", torch.zeros(sum(widths)))
        self.register_buffer("deviation", torch.ones(sum(widths)))
        if self.is_rotated:
            first = [torch.eye(width, kept) for width, kept in zip(widths, self.num_components, strict=True)]
            self.register_buffer("axes", torch.block_diag(*first))  # type: ignore[no-untyped-call]
            self.register_buffer("spread", torch.ones(self.out_features))

    @torch.no_grad()
    def fit(self, features: Tensor) -> None:
        """Take the statistics of the features (N, F) of at least two items."""
        self.mean.copy_(features.mean(dim=0))
        deviations = torch.split(features.std(dim=0), self.widths)
        self.deviation.copy_(torch.cat([_floored(deviation, FEATURE_FLOOR) for deviation in deviations]))
        if self.is_rotated:
            standard = torch.split(self._standardised(features).double(), self.widths, dim=1)
            axes = [_first_axes(block, kept) for block, kept in zip(standard, self.num_components, strict=True)]
            spreads = [(block @ own).std(dim=0) for block, own in zip(standard, axes, strict=True)]
            self.axes.copy_(torch.block_diag(*axes))  # type: ignore[no-untyped-call]
            self.spread.copy_(torch.cat([_floored(spread, COMPONENT_FLOOR) for spread in spreads]))

    def forward(self, features: Tensor) -> Tensor:
        """Return the components of features (N, F): (N, K)."""
        standard = self._standardised(features.float())
        return (standard @ self.axes / self.spread).clamp(-BOUND, BOUND) if self.is_rotated else standard

    def _standardised(self, features: Tensor) -> Tensor:
        return ((features - self.mean) / self.deviation).clamp(-BOUND, BOUND)


def _first_axes(block: Tensor, num_components: int) -> Tensor:
    """Return the directions (F, K) in which a block (N, F) varies most."""
    centred = block - block.mean(dim=0)
    # Of fewer items than features some directions are not told by any; else the full form is N x N numbers for nothing.
    axes: Tensor = torch.linalg.svd(centred, full_matrices=len(centred) < centred.shape[1])[2]
    return axes[:num_components].T


def _floored(deviation: Tensor, share: float) -> Tensor:
    # The smallest number keeps features that never vary at 0.
    return deviation + share * deviation.mean() + torch.finfo(torch.float32).tiny


class GroupProjection(nn.Module):
    """Gives each item a direction by the features of one group."""

    def __init__(self, group: FeatureGroup, width: int, most_components: int | None, dropout: float) -> None:
        super().__init__()
        self.whitening = Whitening(group.widths, most_components)
        self.dropout = dropout
        self.linear = nn.Linear(self.whitening.out_features, width, bias=False)
        nn.init.normal_(self.linear.weight, std=self.linear.in_features**-0.5)

    def forward(self, features: Tensor) -> Tensor:
        """Return directions of length 1 (N, W) of features (N, F)."""
        kept = functional.dropout(self.whitening(features), self.dropout, self.training)
        return functional.normalize(self.linear(kept), dim=1)


class LateFusionHead(Head):
    """Embeddings whose dot product is the sum of the groups' cosines, each times a learned weight.

    No group of features can outweigh another by its number or its variance, as in one projection of all.
    """

    def __init__(
        self,
        groups: Sequence[FeatureGroup],
        out_features: int,
        most_components: Mapping[str, int | None],
        scale: float,
        dropout: float,
    ) -> None:
        """Deal the embedding evenly to the groups; raises UserError where that leaves a rest.

        `most_components` are those of each group by its name, and `scale` is the first value of each weight.
        """
        super().__init__()
        width, rest = divmod(out_features, len(groups))
        if rest or not width:
            names = ", ".join(group.name for group in groups)
            raise UserError(
                f"model.embedding_width: {out_features} numbers cannot be dealt evenly to the {len(groups)} groups of "
                f"features of model.head ({names})"
            )
        self.widths = [sum(group.widths) for group in groups]
        self.in_features, self.out_features = num_features(groups), out_features
        self.heads = nn.ModuleList(
            [GroupProjection(group, width, most_components.get(group.name), dropout) for group in groups]
        )
        # Their logarithms, so that the weights stay positive.
        self.log_scale = nn.Parameter(torch.full((len(groups),), math.log(scale)))

    def fit(self, features: Tensor) -> None:
        """Fit the whitening of all groups to the features (N, F) of the items that are trained on.

        Raises UserError for a single one.
        """
        if len(features) < 2:
            raise UserError("data.train.pairs: are all of one item; model.head late_fusion is fitted to two or more")
        for head, part in zip(self.heads, self._parts(features), strict=True):
            assert isinstance(head, GroupProjection)
            head.whitening.fit(part)

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings (N, D) of features (N, F), in float32."""
        with torch.autocast(features.device.type, enabled=False):
            # Both sides of a pair have the root of a weight, so their dot product has the weight.
            factors = (self.log_scale / 2).exp()
            parts = zip(factors, self.heads, self._parts(features), strict=True)
            return torch.cat([factor * head(part) for factor, head, part in parts], dim=1)

    def _parts(self, features: Tensor) -> tuple[Tensor, ...]:
        """Return the features of each group."""
        return torch.split(features.float(), self.widths, dim=1)
