import pytest
import torch

from models.embedding import ItemEmbedding, PairScore, as_query, cross_score, pack, pair_score, unpack


def embedding(num_items: int, width: int, dtype: torch.dtype = torch.float32, threshold: bool = True) -> ItemEmbedding:
    generator = torch.Generator().manual_seed(num_items)
    numbers = torch.randn(2, num_items, width, generator=generator, dtype=torch.float64).to(dtype)
    return ItemEmbedding(numbers[0] if threshold else numbers[0, :, :0], numbers[1])


def slow_product(first: torch.Tensor, second: torch.Tensor) -> float:
    return sum(a * b for a, b in zip(first.tolist(), second.tolist(), strict=True))


def test_a_pair_is_scored_as_by_a_loop_over_the_numbers() -> None:
    source, target = embedding(5, 8).rows(torch.tensor([0, 4, 4])), embedding(5, 8).rows(torch.tensor([1, 2, 4]))
    score = pair_score(source, target)
    for place in range(3):
        match = slow_product(source.match[place], target.match[place])
        threshold = slow_product(source.threshold[place], target.threshold[place])
        assert score.match[place].item() == pytest.approx(match, abs=1e-5)
        assert score.threshold[place].item() == pytest.approx(threshold, abs=1e-5)
        assert score.margin[place].item() == pytest.approx(match - threshold, abs=1e-5)


def test_without_a_threshold_branch_the_threshold_is_zero() -> None:
    items = embedding(3, 4, threshold=False)
    score = pair_score(items, items)
    assert score.threshold.tolist() == [0, 0, 0]
    assert torch.equal(score.margin, score.match)


def test_all_pairs_are_scored_as_each_pair_alone() -> None:
    items = embedding(6, 4)
    everyone = cross_score(items, items)
    source, target = torch.meshgrid(torch.arange(6), torch.arange(6), indexing="ij")
    expected = pair_score(items.rows(source.flatten()), items.rows(target.flatten()))
    torch.testing.assert_close(everyone.match.flatten(), expected.match)
    torch.testing.assert_close(everyone.threshold.flatten(), expected.threshold)


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_products_are_formed_in_float32_at_least(dtype: torch.dtype, result: torch.dtype) -> None:
    items = embedding(4, 64, dtype)
    scores: list[PairScore] = [pair_score(items, items), cross_score(items, items)]
    for score in scores:
        assert (score.match.dtype, score.threshold.dtype) == (result, result)
    exact = ItemEmbedding(*(tensor.double() for tensor in items))
    torch.testing.assert_close(scores[0].match.double(), pair_score(exact, exact).match, rtol=1e-5, atol=0)


def test_half_precision_products_that_exceed_its_range_stay_finite() -> None:
    large = torch.full((1, 4), 300.0, dtype=torch.float16)
    assert pair_score(ItemEmbedding(large, large), ItemEmbedding(large, large)).match.item() == 360_000


@pytest.mark.parametrize("threshold", [True, False])
def test_unpacking_undoes_packing_and_the_threshold_half_comes_first(threshold: bool) -> None:
    items = embedding(3, 4, threshold=threshold)
    packed = pack(items)
    assert packed.shape == (3, 8 if threshold else 4)
    assert torch.equal(packed[:, -4:], items.match)
    back = unpack(packed, items.threshold.shape[1])
    assert torch.equal(back.threshold, items.threshold)
    assert torch.equal(back.match, items.match)


@pytest.mark.parametrize("threshold", [True, False])
def test_the_margin_is_the_inner_product_of_a_query_and_a_packed_item(threshold: bool) -> None:
    source = embedding(5, 4, threshold=threshold)
    target = source.rows(torch.tensor([3, 1, 4, 0, 2]))
    query = as_query(pack(source), source.threshold.shape[1])
    torch.testing.assert_close((query * pack(target)).sum(dim=1), pair_score(source, target).margin)
    back = as_query(pack(target), source.threshold.shape[1])
    torch.testing.assert_close((back * pack(source)).sum(dim=1), pair_score(source, target).margin)
