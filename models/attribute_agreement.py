"""From the attributes that items state to embeddings that tell where two items agree and where they contradict.

Letters of shapes: N items, K attributes, C codes.
"""

import math

import torch
from torch import nn

from data.pair_batch import ItemBatch
from models.embedding import ItemEmbedding


class AttributeAgreement(nn.Module):
    """Raises a pair's threshold by each attribute that both items state, and its match where the values are equal.

    The two embeddings add to the margin of a pair

        sum_k [both state k] * (agreement_k * [equal values] - conflict_k)

    as in the linkage of records (Fellegi and Sunter, "A Theory for Record Linkage", JASA 1969), with learned weights
    that are positive: where weights are alike, equal values cost nothing and other ones count against the pair. A value
    is told by one of C codes, its hash, so that one pair of other values in C passes for equal.
    """

    def __init__(self, num_attributes: int, num_codes: int, weight: float) -> None:
        """Take the first value of all weights."""
        super().__init__()
        self.num_codes = num_codes
        # Their logarithms, so that the weights stay positive.
        self.log_conflict = nn.Parameter(torch.full((num_attributes,), math.log(weight)))
        self.log_agreement = nn.Parameter(torch.full((num_attributes,), math.log(weight)))

    @property
    def threshold_width(self) -> int:
        """Numbers added to the threshold embedding."""
        return len(self.log_conflict)

    @property
    def match_width(self) -> int:
        """Numbers added to the match embedding."""
        return len(self.log_agreement) * self.num_codes

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        """Return what is added to the embeddings of N items, in float32: (N, K) and (N, K * C)."""
        is_stated = (items.attributes >= 0).float()
        codes = torch.arange(self.num_codes, device=items.attributes.device)
        has_code = (items.attributes[:, :, None] % self.num_codes == codes).float()
        # Both sides of a pair have the root of a weight, so their dot product has the weight.
        agreement = has_code * (is_stated * (self.log_agreement / 2).exp())[:, :, None]
        return ItemEmbedding(threshold=is_stated * (self.log_conflict / 2).exp(), match=agreement.flatten(1))
