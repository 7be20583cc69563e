import pytest
import torch

from models.feature_kind import FeatureKind
from models.product_projection import ProductProjection

KINDS = [FeatureKind("text", (5,)), FeatureKind("image", (4, 3)), FeatureKind("colours", (6,))]


def build(kinds: list[FeatureKind] = KINDS, width: int = 8, scale: float = 3.0, out: int = 8024) -> ProductProjection:
    torch.manual_seed(0)
    projection = ProductProjection(kinds, out, width, {"image": 2}.get, scale, dropout=0.0)
    with torch.no_grad():
        projection.floor_logit.copy_(torch.linspace(-1, 1, len(kinds)))
    projection.fit(features(100)[:, -projection.in_features :])
    return projection.eval()


def features(num_items: int) -> torch.Tensor:
    return torch.randn(num_items, 18, generator=torch.Generator().manual_seed(1))


def exact(projection: ProductProjection, given: torch.Tensor) -> torch.Tensor:
    """scale * (prod(a + (1 - a) k) - prod(a)) of every item with every item, head by head."""
    product, constant = torch.ones(len(given), len(given)), torch.tensor(1.0)
    parts = torch.split(given, projection.widths, dim=1)
    for head, part, logit in zip(projection.heads, parts, projection.floor_logit, strict=True):
        direction = head(part)
        floor = 1 / (1 + (-logit).exp())
        product = product * (floor + (1 - floor) * (direction @ direction.T))
        constant = constant * floor
    return (product - constant) * projection.log_scale.exp()


def dot_products(projection: ProductProjection, given: torch.Tensor) -> torch.Tensor:
    embeddings: torch.Tensor = projection(given)
    return embeddings @ embeddings.T


@torch.no_grad()
def test_dot_products_are_about_the_product_of_the_heads_cosines() -> None:
    projection = build()
    error = dot_products(projection, features(40)) - exact(projection, features(40))
    assert error.abs().mean() < 0.06
    assert error.abs().max() < 0.4


@torch.no_grad()
def test_the_error_falls_with_the_root_of_the_width() -> None:
    def mean_error(out: int) -> float:
        projection = build(out=out)
        return float((dot_products(projection, features(60)) - exact(projection, features(60))).square().mean().sqrt())

    assert mean_error(24 + 4 * 200) / mean_error(24 + 4 * 3200) == pytest.approx(4, rel=0.25)


@torch.no_grad()
def test_dot_products_of_training_are_right_in_the_mean_and_differ_from_step_to_step() -> None:
    projection = build(out=424)
    drawn = torch.stack([dot_products(projection.train(), features(12)) for _ in range(400)])
    assert not torch.equal(drawn[0], drawn[1])
    error = drawn.mean(dim=0) - exact(projection.eval(), features(12))
    assert error.abs().max() < 6 * float(drawn.std(dim=0).max()) / 400**0.5


@torch.no_grad()
def test_projections_of_a_training_step_depend_on_the_number_of_steps_alone() -> None:
    first, second = build(), build()
    torch.manual_seed(5)
    first.train()(features(3))
    second.load_state_dict(first.state_dict())
    torch.manual_seed(6)
    assert torch.equal(first.train()(features(3)), second.train()(features(3)))


@torch.no_grad()
def test_embeddings_of_evaluation_stay_the_same_and_those_of_equal_items_too() -> None:
    projection, other = build(), build()
    assert torch.equal(projection(features(4)), projection(features(4)))
    projection.train()(features(4))
    torch.testing.assert_close(projection.eval()(features(4))[:2], other(features(4)[:2]))


def test_two_kinds_have_one_product_and_all_weights_get_gradients() -> None:
    projection = build(KINDS[1:], out=16 + 50)
    projection.train()(features(4)[:, 5:]).square().sum().backward()
    assert projection(features(4)[:, 5:]).shape == (4, 66)
    for parameter in projection.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0


def test_half_precision_around_it_changes_nothing() -> None:
    projection = build(out=424)
    with torch.autocast("cpu", torch.bfloat16):
        inside = projection(features(3))
    assert inside.dtype == torch.float32
    assert torch.equal(inside, projection(features(3)))


@pytest.mark.parametrize(("kinds", "out"), [(KINDS[:1], 64), (KINDS, 24), (KINDS, 25)])
def test_widths_that_do_not_fit_are_refused(kinds: list[FeatureKind], out: int) -> None:
    with pytest.raises(ValueError, match=r"one kind of features|need embeddings of 24 and a multiple of 4, not of"):
        build(kinds, out=out)
