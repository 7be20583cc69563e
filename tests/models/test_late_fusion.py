import pytest
import torch

from models.encoder import FeatureGroup
from models.late_fusion import LateFusionHead, Whitening
from options.errors import UserError

GROUPS = [FeatureGroup("text", (5,)), FeatureGroup("image", (4, 3)), FeatureGroup("colours", (6,))]


def build(groups: list[FeatureGroup] = GROUPS, out: int = 24) -> LateFusionHead:
    torch.manual_seed(0)
    head = LateFusionHead(groups, out, {"image": 2}, scale=3.0, dropout=0.0)
    with torch.no_grad():
        head.log_scale += torch.linspace(-1, 1, len(groups))
    head.fit(features(100)[:, -head.in_features :])
    return head.eval()


def features(num_items: int) -> torch.Tensor:
    return torch.randn(num_items, 18, generator=torch.Generator().manual_seed(1))


def brute_force(head: LateFusionHead, one: torch.Tensor, other: torch.Tensor) -> float:
    """The weighted sum of two items' cosines, group by group."""
    total, first = 0.0, 0
    for width, group, log_weight in zip(head.widths, head.heads, head.log_scale, strict=True):
        parts = [
            group.linear(group.whitening(item[None, first : first + width]))[0]  # type: ignore[operator, union-attr]
            for item in (one, other)
        ]
        cosine = sum(float(x * y) for x, y in zip(*parts, strict=True)) / float(parts[0].norm() * parts[1].norm())
        total += float(log_weight.exp()) * cosine
        first += width
    return total


@torch.no_grad()
def test_dot_products_are_the_weighted_sum_of_the_groups_cosines() -> None:
    head, given = build(), features(6)
    embeddings = head(given)
    assert embeddings.shape == (6, 24)
    for row in range(6):
        for column in range(6):
            expected = brute_force(head, given[row], given[column])
            assert float(embeddings[row] @ embeddings[column]) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@torch.no_grad()
def test_a_group_with_more_or_larger_features_weighs_no_more() -> None:
    groups = [FeatureGroup("text", (2,)), FeatureGroup("image", (200,))]
    head = LateFusionHead(groups, 16, {}, scale=1.0, dropout=0.0).eval()
    given = torch.randn(50, 202) * torch.tensor([0.01] * 2 + [100.0] * 200)
    head.fit(given)
    lengths = head(given).view(50, 2, 8).norm(dim=2)
    torch.testing.assert_close(lengths, torch.ones(50, 2))


def test_one_item_alone_is_refused_and_two_equal_ones_are_not() -> None:
    head = build()
    with pytest.raises(UserError, match=r"^data\.train\.pairs: are all of one item"):
        head.fit(features(1))
    head.fit(features(1).repeat(2, 1))
    assert head(features(3)).isfinite().all()


def test_all_weights_get_gradients() -> None:
    head = build().train()
    embeddings = head(features(4))
    (embeddings[0] @ embeddings[1]).backward()
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0


def test_half_precision_around_it_changes_nothing() -> None:
    head = build()
    with torch.autocast("cpu", torch.bfloat16):
        inside = head(features(3))
    assert inside.dtype == torch.float32
    assert torch.equal(inside, head(features(3)))


@pytest.mark.parametrize("out", [2, 25])
def test_widths_that_do_not_fit_are_refused(out: int) -> None:
    with pytest.raises(ValueError, match=f"{out} numbers cannot be dealt evenly to the 3 groups"):
        build(out=out)


def blocks_of(num_items: int = 500) -> torch.Tensor:
    """Two blocks of three and four features, those of a block mixed."""
    generator = torch.Generator().manual_seed(0)
    blocks = [torch.randn(num_items, width, generator=generator) for width in (3, 4)]
    mixed = [block @ torch.randn(block.shape[1], block.shape[1], generator=generator) for block in blocks]
    return torch.cat(mixed, dim=1) * 3 + 5


def test_fitted_components_have_mean_zero_and_do_not_vary_together() -> None:
    whitening = Whitening([3, 4], 2)
    whitening.fit(blocks_of())
    components = whitening(blocks_of())
    assert components.shape == (500, 4)
    torch.testing.assert_close(components.mean(dim=0), torch.zeros(4), atol=0.02, rtol=0)
    covariance = components.T.cov()
    for block in (covariance[:2, :2], covariance[2:, 2:]):
        torch.testing.assert_close(block, torch.diag(block.diag()), atol=0.02, rtol=0)
        assert (block.diag() > 0.4).all()
        assert (block.diag() < 1).all()


def test_components_are_those_of_an_eigendecomposition_block_by_block() -> None:
    given = blocks_of()
    whitening = Whitening([3, 4], 2)
    whitening.fit(given)
    expected = []
    for block in torch.split(given.double(), [3, 4], dim=1):
        deviation = block.std(dim=0)
        standard = (block - block.mean(dim=0)) / (deviation + 0.05 * deviation.mean())
        standard = standard.clamp(-6, 6)
        axes = torch.linalg.eigh(standard.T.cov()).eigenvectors.flip(1)[:, :2]
        components = standard @ axes
        spread = components.std(dim=0)
        expected.append(components / (spread + 0.3 * spread.mean()))
    found = whitening(given).double()
    torch.testing.assert_close(found.abs(), torch.cat(expected, dim=1).abs(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("num_items", [3, 4, 500])
def test_a_fit_holds_no_matrix_of_items_by_items_and_has_the_axes_of_the_full_form(
    num_items: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, given = Whitening([3, 4], 4), blocks_of(num_items)
    decompose, largest = torch.linalg.svd, 0

    def measured(block: torch.Tensor, full_matrices: bool) -> tuple[torch.Tensor, ...]:
        nonlocal largest
        parts = decompose(block, full_matrices=full_matrices)
        largest = max(largest, *(part.numel() for part in parts))
        return parts

    whitening = Whitening([3, 4], 4)
    with monkeypatch.context() as patch:
        patch.setattr(torch.linalg, "svd", measured)
        whitening.fit(given)
        patch.setattr(torch.linalg, "svd", lambda block, full_matrices: decompose(block, full_matrices=True))
        full.fit(given)
    assert largest <= max(4 * num_items, 4 * 4)
    assert whitening.axes.equal(full.axes)


def test_without_components_features_keep_their_places_and_have_about_variance_one() -> None:
    whitening = Whitening([3, 4])
    whitening.fit(blocks_of())
    standard = whitening(blocks_of())
    torch.testing.assert_close(standard.mean(dim=0), torch.zeros(7), atol=0.02, rtol=0)
    assert (standard.std(dim=0) > 0.9).all()
    assert (standard.std(dim=0) < 1).all()
    correlation = torch.corrcoef(torch.cat([standard, blocks_of()], dim=1).T)
    assert (correlation.diagonal(offset=7) > 0.99).all()


def test_features_that_never_vary_and_fewer_items_than_features_give_finite_numbers() -> None:
    for whitening in (Whitening([4], 4), Whitening([4])):
        whitening.fit(torch.ones(2, 4))
        assert whitening(torch.ones(3, 4)).abs().max() == 0
        assert whitening(torch.full((1, 4), 1e6)).abs().max() <= 6


def test_before_the_fit_the_first_features_of_each_block_are_taken() -> None:
    given = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert Whitening([2, 3], 1)(given).tolist() == [[1.0, 3.0]]
    assert Whitening([2, 3])(given).tolist() == given.tolist()
