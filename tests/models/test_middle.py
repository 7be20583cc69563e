import pytest
import torch

from models.middle import middle


@pytest.mark.parametrize(("extent", "inner"), [(1, [0]), (2, [0, 1]), (4, [1, 2]), (5, [1, 2, 3]), (8, [2, 3, 4, 5])])
def test_the_middle_is_the_inner_half_and_never_empty(extent: int, inner: list[int]) -> None:
    rows = torch.arange(extent).view(1, 1, extent, 1).expand(1, 1, extent, 4)
    assert middle(rows)[0, 0, :, 0].tolist() == inner
    assert middle(rows.transpose(2, 3))[0, 0, 0].tolist() == inner
    assert middle(rows).shape[3] == 2
