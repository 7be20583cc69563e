"""The supervised contrastive loss over the items of a batch.

Letters of shapes: N items.
"""

import torch
from torch import Tensor


def supervised_contrast(margin: Tensor, item: Tensor, group: Tensor, temperature: float) -> Tensor:
    """Return the mean loss of the items that have another one of their product in the batch: a scalar.

    The loss of item i is the mean, over the others j of its product, of -log softmax(margin[i] / temperature)[j], the
    softmax being over all other items (L_out of Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, arXiv
    2004.11362; of products as in R-SupCon, arXiv 2202.02098). `margin` is (N, N); `item` (N,) int64 names the item of
    each row, of whose rows only the first counts, and `group` (N,) int64 its product. Without any such item the loss is
    0, and still has a gradient (of zeros).
    """
    occurred_before = (item[:, None] == item).tril(diagonal=-1).any(dim=1)
    others = ~occurred_before[:, None] & ~occurred_before & (item[:, None] != item)
    positive = others & (group[:, None] == group)
    # Rather than minus infinity, whose gradient is no number in a row without any other item.
    logit = (margin.float() / temperature).where(others, torch.finfo(torch.float32).min)
    log_share = logit - logit.logsumexp(dim=1, keepdim=True)
    num_positives = positive.sum(dim=1)
    each = -log_share.where(positive, 0.0).sum(dim=1) / num_positives.clamp(min=1)
    return each.sum() / (num_positives > 0).sum().clamp(min=1)
