import pytest
import torch

from models.heads import CosineHead, LinearHead

FEATURES = torch.arange(12.0).reshape(4, 3).sin()
"""(4, 3)"""


def test_alone_it_is_one_linear_layer() -> None:
    head = LinearHead(3, 2)
    torch.testing.assert_close(head(FEATURES), FEATURES @ head.weight.T + head.bias)


def test_normalised_embeddings_have_length_one_and_the_same_direction() -> None:
    head = CosineHead(3, 2)
    embedding = head(FEATURES)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(4))
    plain = FEATURES @ head.weight.T + head.bias
    torch.testing.assert_close(embedding * plain.norm(dim=1, keepdim=True), plain)


def test_normalised_embeddings_are_float32_whatever_the_features_are() -> None:
    head = CosineHead(3, 2).to(torch.bfloat16)
    assert head(FEATURES.bfloat16()).dtype == torch.float32


def test_a_scale_is_a_learned_factor_of_dot_products() -> None:
    head = CosineHead(3, 2, scale=5.0)
    embedding = head(FEATURES)
    torch.testing.assert_close((embedding * embedding).sum(dim=1), torch.full((4,), 5.0))
    embedding.square().sum().backward()
    assert head.log_scale is not None
    assert head.log_scale.grad is not None
    torch.testing.assert_close(head.log_scale.grad, torch.tensor(20.0))


def test_standardised_features_have_the_statistics_of_the_batch_in_training_and_running_ones_after_it() -> None:
    torch.manual_seed(0)
    head = LinearHead(4, 4, standardize=True)
    with torch.no_grad():
        head.weight.copy_(torch.eye(4))
        head.bias.zero_()
    features = torch.randn(64, 4) * torch.tensor([1.0, 10.0, 0.1, 3.0]) + 5
    expected = (features - features.mean(dim=0)) / features.std(dim=0, unbiased=False)
    torch.testing.assert_close(head.train()(features), expected, atol=1e-2, rtol=1e-2)
    for _ in range(100):
        head(features)
    torch.testing.assert_close(head.eval()(features), expected, atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(head(features[:1]), head(features)[:1])


def test_a_training_batch_of_one_item_is_standardised_by_the_running_statistics() -> None:
    head = LinearHead(3, 2, standardize=True)
    head.train()(FEATURES)
    before = {name: tensor.clone() for name, tensor in head.state_dict().items()}
    alone = head(FEATURES[:1])
    assert all(tensor.equal(before[name]) for name, tensor in head.state_dict().items())
    torch.testing.assert_close(alone, head.eval()(FEATURES[:1]))


def test_features_are_dropped_in_training_alone() -> None:
    head = LinearHead(3, 2, dropout=0.5)
    assert not torch.equal(head.train()(FEATURES), head(FEATURES))
    assert torch.equal(head.eval()(FEATURES), head(FEATURES))


@pytest.mark.parametrize(("width", "tolerance"), [(12, 1e-6), (20, 1e-6)])
def test_a_head_that_starts_from_features_gives_their_cosine(width: int, tolerance: float) -> None:
    head = CosineHead(12, width)
    head.keep_angles()
    features = torch.randn(9, 12, generator=torch.Generator().manual_seed(0))
    embeddings = head(features)
    expected = torch.nn.functional.normalize(features, dim=1)
    assert torch.allclose(embeddings @ embeddings.T, expected @ expected.T, atol=tolerance)


def test_a_narrower_head_keeps_angles_nearly() -> None:
    torch.manual_seed(0)
    head = CosineHead(64, 48)
    head.keep_angles()
    features = torch.randn(200, 64)
    embeddings = head(features)
    expected = torch.nn.functional.normalize(features, dim=1)
    assert (embeddings @ embeddings.T - expected @ expected.T).abs().mean() < 0.08
