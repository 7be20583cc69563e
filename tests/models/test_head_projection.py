import pytest
import torch

from models.feature_kind import FeatureKind
from models.head_projection import HeadProjection

KINDS = [FeatureKind("text", (5,)), FeatureKind("image", (4, 3)), FeatureKind("colours", (6,))]


def build(kinds: list[FeatureKind] = KINDS, out: int = 24) -> HeadProjection:
    torch.manual_seed(0)
    projection = HeadProjection(kinds, out, {"image": 2}.get, scale=3.0, dropout=0.0)
    with torch.no_grad():
        projection.log_scale += torch.linspace(-1, 1, len(kinds))
    projection.fit(features(100)[:, -projection.in_features :])
    return projection.eval()


def features(num_items: int) -> torch.Tensor:
    return torch.randn(num_items, 18, generator=torch.Generator().manual_seed(1))


def brute_force(projection: HeadProjection, one: torch.Tensor, other: torch.Tensor) -> float:
    """The weighted sum of two items' cosines, head by head."""
    total, first = 0.0, 0
    for width, head, log_weight in zip(projection.widths, projection.heads, projection.log_scale, strict=True):
        parts = [
            head.linear(head.whitening(item[None, first : first + width]))[0]  # type: ignore[operator, union-attr]
            for item in (one, other)
        ]
        cosine = sum(float(x * y) for x, y in zip(*parts, strict=True)) / float(parts[0].norm() * parts[1].norm())
        total += float(log_weight.exp()) * cosine
        first += width
    return total


@torch.no_grad()
def test_dot_products_are_the_weighted_sum_of_the_heads_cosines() -> None:
    projection, given = build(), features(6)
    embeddings = projection(given)
    assert embeddings.shape == (6, 24)
    for row in range(6):
        for column in range(6):
            expected = brute_force(projection, given[row], given[column])
            assert float(embeddings[row] @ embeddings[column]) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@torch.no_grad()
def test_a_kind_with_more_or_larger_features_weighs_no_more() -> None:
    kinds = [FeatureKind("text", (2,)), FeatureKind("image", (200,))]
    projection = HeadProjection(kinds, 16, {}.get, scale=1.0, dropout=0.0).eval()
    given = torch.randn(50, 202) * torch.tensor([0.01] * 2 + [100.0] * 200)
    projection.fit(given)
    lengths = projection(given).view(50, 2, 8).norm(dim=2)
    torch.testing.assert_close(lengths, torch.ones(50, 2))


def test_all_weights_get_gradients() -> None:
    projection = build().train()
    embeddings = projection(features(4))
    (embeddings[0] @ embeddings[1]).backward()
    for parameter in projection.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0


def test_half_precision_around_it_changes_nothing() -> None:
    projection = build()
    with torch.autocast("cpu", torch.bfloat16):
        inside = projection(features(3))
    assert inside.dtype == torch.float32
    assert torch.equal(inside, projection(features(3)))


@pytest.mark.parametrize("out", [2, 25])
def test_widths_that_do_not_fit_are_refused(out: int) -> None:
    with pytest.raises(ValueError, match=f"{out} numbers cannot be dealt evenly to 3 heads"):
        build(out=out)
