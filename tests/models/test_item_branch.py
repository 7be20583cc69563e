import torch

from data.pair_batch import ItemBatch
from models.encoder import Encoder
from models.item_branch import ItemBranch, ItemFeatures


class MeanOf(Encoder):
    """The mean of one field of the items, and a constant that tells the encoders apart."""

    def __init__(self, field: str, constant: float) -> None:
        super().__init__()
        self.field = field
        self.constant = constant
        self.width = 2

    def forward(self, items: ItemBatch) -> torch.Tensor:
        mean = getattr(items, self.field).float().flatten(1).mean(dim=1)
        return torch.stack([mean, torch.full_like(mean, self.constant)], dim=1)

    def checkpoint_activations(self) -> None:
        """There is nothing to save."""


TEXT, IMAGE = MeanOf("token_ids", 1.0), MeanOf("images", 2.0)


def test_text_features_come_before_image_features(items: ItemBatch) -> None:
    features = ItemBranch(TEXT, IMAGE, 4, 3, normalize=False).features(items).joined()
    torch.testing.assert_close(features, torch.cat([TEXT(items), IMAGE(items)], dim=1))
    assert features[0, [1, 3]].tolist() == [1.0, 2.0]


def test_one_modality_alone_gives_its_features(items: ItemBatch) -> None:
    for text, image in ((TEXT, None), (None, IMAGE)):
        features = ItemBranch(text, image, 2, 3, normalize=False).features(items).joined()
        torch.testing.assert_close(features, (text or image)(items))  # type: ignore[misc]


def test_the_projection_is_one_linear_layer(items: ItemBatch) -> None:
    branch = ItemBranch(TEXT, IMAGE, 4, 3, normalize=False)
    features = branch.features(items)
    expected = features.joined() @ branch.projection.weight.T + branch.projection.bias
    torch.testing.assert_close(branch.project(features), expected)


def test_normalised_embeddings_have_length_one_and_the_same_direction(items: ItemBatch) -> None:
    branch = ItemBranch(TEXT, IMAGE, 4, 3, normalize=True)
    features = branch.features(items)
    embedding = branch.project(features)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(4))
    plain = branch.projection(features.joined())
    torch.testing.assert_close(embedding * plain.norm(dim=1, keepdim=True), plain)


def test_normalised_embeddings_are_float32_whatever_the_features_are(items: ItemBatch) -> None:
    branch = ItemBranch(TEXT, IMAGE, 4, 3, normalize=True).to(torch.bfloat16)
    features = ItemFeatures(*(part.bfloat16() for part in branch.features(items) if part is not None))
    assert branch.project(features).dtype == torch.float32


def test_a_branch_without_an_encoder_takes_the_features_of_another_branch(items: ItemBatch) -> None:
    first = ItemBranch(TEXT, IMAGE, 4, 3, normalize=False).features(items)
    second = ItemBranch(None, IMAGE, 4, 3, normalize=False).features(items, others=first)
    assert second.text is first.text
    assert torch.equal(second.joined(), first.joined())


def test_known_features_stand_for_a_frozen_encoder_alone(items: ItemBatch) -> None:
    known = items._replace(text_features=torch.full((4, 2), 7.0), image_features=torch.full((4, 2), 8.0))
    frozen = MeanOf("images", 2.0)
    frozen.frozen = ("",)
    features = ItemBranch(TEXT, frozen, 4, 3, normalize=False).features(known)
    assert features.text is not None
    assert torch.equal(features.text, TEXT(items))
    assert features.image is known.image_features


def test_a_scale_is_a_learned_factor_of_dot_products(items: ItemBatch) -> None:
    branch = ItemBranch(TEXT, IMAGE, 4, 3, normalize=True, scale=5.0)
    embedding = branch.project(branch.features(items))
    torch.testing.assert_close((embedding * embedding).sum(dim=1), torch.full((4,), 5.0))
    embedding.square().sum().backward()
    assert branch.log_scale is not None
    assert branch.log_scale.grad is not None
    torch.testing.assert_close(branch.log_scale.grad, torch.tensor(20.0))


def test_standardised_features_have_the_statistics_of_the_batch_in_training_and_running_ones_after_it() -> None:
    torch.manual_seed(0)
    branch = ItemBranch(TEXT, IMAGE, 4, 4, normalize=False, standardize=True)
    with torch.no_grad():
        branch.projection.weight.copy_(torch.eye(4))
        branch.projection.bias.zero_()
    joined = torch.randn(64, 4) * torch.tensor([1.0, 10.0, 0.1, 3.0]) + 5
    features = ItemFeatures(joined[:, :2], joined[:, 2:])
    trained = branch.train().project(features)
    expected = (joined - joined.mean(dim=0)) / joined.std(dim=0, unbiased=False)
    torch.testing.assert_close(trained, expected, atol=1e-2, rtol=1e-2)
    for _ in range(100):
        branch.project(features)
    torch.testing.assert_close(branch.eval().project(features), expected, atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(
        branch.project(ItemFeatures(joined[:1, :2], joined[:1, 2:])), branch.project(features)[:1]
    )


def test_features_are_dropped_in_training_alone(items: ItemBatch) -> None:
    branch = ItemBranch(TEXT, IMAGE, 4, 3, normalize=False, dropout=0.5)
    features = branch.features(items)
    assert not torch.equal(branch.train().project(features), branch.project(features))
    assert torch.equal(branch.eval().project(features), branch.project(features))
