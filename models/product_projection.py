"""From the features of items to embeddings whose dot products are several cosines, multiplied.

Letters of shapes: N items, F features, W width of a head, K random projections, D embedding width.
"""

import math
from collections.abc import Callable, Sequence
from itertools import combinations

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


class ProductProjection(nn.Module):
    """Embeddings whose dot product is high where all kinds of features agree, and not where only most do.

    With k_h the cosine of two items' directions in head h, their dot product is about

        scale * (prod_h (a_h + (1 - a_h) * k_h) - prod_h a_h)

    where scale and a_h, between 0 and 1, are learned: a product of kernels is a kernel (Schoelkopf and Smola, "Learning
    with Kernels", 2002, section 13.1). Multiplied out it is a sum over sets of heads. Of a set of one head the
    directions themselves are the embedding; of more, their random projections, multiplied number by number, which give
    the product without bias (random Maclaurin features: Kar and Karnick, AISTATS 2012, arXiv 1201.6530). Each pass in
    training draws projections anew, the same in all processes, so that nothing is fitted to their errors; the ones that
    stay are orthogonal, whose errors are smaller (Yu et al., NeurIPS 2016, arXiv 1610.09072).
    """

    log_scale: Tensor
    projections: Tensor
    draws: Tensor

    def __init__(
        self,
        kinds: Sequence[FeatureKind],
        out_features: int,
        width: int,
        most_components: Callable[[KindName], int | None],
        scale: float,
        dropout: float,
    ) -> None:
        """Take heads of W numbers; raises ValueError where they do not fit into `out_features`."""
        super().__init__()
        self.widths = [sum(kind.widths) for kind in kinds]
        self.in_features, self.out_features = sum(self.widths), out_features
        self.heads = nn.ModuleList([Head(kind, width, most_components(kind.name), dropout) for kind in kinds])
        self.sets = [heads for size in range(2, len(kinds) + 1) for heads in combinations(range(len(kinds)), size)]
        num_projections = _num_projections(len(kinds), len(self.sets), width, out_features)
        self.floor_logit = nn.Parameter(torch.zeros(len(kinds)))
        # Its logarithm, so that the factor of dot products stays positive.
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale), dtype=torch.float32))
        count = sum(map(len, self.sets))
        self.register_buffer("projections", _orthogonal_projections(count, width, num_projections))
        self.register_buffer("draws", torch.zeros((), dtype=torch.int64))

    def fit(self, features: Tensor) -> None:
        """Fit the whitening of all heads to the features (N, F) of the items that are trained on."""
        for head, part in zip(self.heads, torch.split(features.float(), self.widths, dim=1), strict=True):
            assert isinstance(head, Head)
            head.whitening.fit(part)

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings (N, D) of features (N, F), in float32."""
        with torch.autocast(features.device.type, enabled=False):
            parts = torch.split(features.float(), self.widths, dim=1)
            directions = [head(part) for head, part in zip(self.heads, parts, strict=True)]
            # Both sides of a pair have the root of the factor, so their dot product has the factor.
            return self._terms(directions) * (self.log_scale / 2).exp()

    def _terms(self, directions: list[Tensor]) -> Tensor:
        """Return the embeddings of each set of heads side by side: (N, D)."""
        projections = iter(self._drawn() if self.training else self.projections)
        terms = [self._weight((head,)).sqrt() * direction for head, direction in enumerate(directions)]
        for heads in self.sets:
            projected = [directions[head] @ next(projections) for head in heads]
            product = torch.stack(projected).prod(dim=0)
            terms.append((self._weight(heads) / product.shape[1]).sqrt() * product)
        return torch.cat(terms, dim=1)

    def _weight(self, heads: tuple[int, ...]) -> Tensor:
        """Return the factor of the product of these heads' cosines: ()."""
        floors = torch.sigmoid(self.floor_logit)
        return torch.stack([1 - floor if head in heads else floor for head, floor in enumerate(floors)]).prod()

    def _drawn(self) -> Tensor:
        """Return random projections of the next pass in training, of numbers 1 and -1: the shape of `projections`."""
        self.draws += 1
        generator = torch.Generator().manual_seed(int(self.draws))
        signs = torch.randint(2, self.projections.shape, generator=generator)
        return (2 * signs - 1).to(self.projections)


def _num_projections(num_heads: int, num_sets: int, width: int, out_features: int) -> int:
    """Return the random projections of each set of heads: what the directions leave of the embedding, dealt evenly."""
    if num_sets == 0:
        raise ValueError("one kind of features alone has no product")
    num_projections, rest = divmod(out_features - num_heads * width, num_sets)
    if num_projections < 1 or rest:
        raise ValueError(
            f"{num_heads} heads of {width} numbers and {num_sets} products of them need embeddings of "
            f"{num_heads * width} and a multiple of {num_sets}, not of {out_features}"
        )
    return num_projections


def _orthogonal_projections(count: int, width: int, num_projections: int) -> Tensor:
    """Return the same projections at every call, in groups of W that are orthogonal: (count, W, K)."""
    generator = torch.Generator().manual_seed(0)
    groups = -(-num_projections // width)
    bases, _ = torch.linalg.qr(torch.randn(count, groups, width, width, generator=generator))
    columns: Tensor = bases.transpose(1, 2).reshape(count, width, groups * width)
    return columns[:, :, :num_projections] * math.sqrt(width)
