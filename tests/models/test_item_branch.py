import torch

from data.pair_batch import ItemBatch
from models.encoder import Encoder
from models.item_branch import ItemBranch
from models.projection import Projection


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
    features = ItemBranch(TEXT, IMAGE, Projection(4, 3)).features(items).joined()
    torch.testing.assert_close(features, torch.cat([TEXT(items), IMAGE(items)], dim=1))
    assert features[0, [1, 3]].tolist() == [1.0, 2.0]


def test_one_modality_alone_gives_its_features(items: ItemBatch) -> None:
    for text, image in ((TEXT, None), (None, IMAGE)):
        features = ItemBranch(text, image, Projection(2, 3)).features(items).joined()
        torch.testing.assert_close(features, (text or image)(items))  # type: ignore[misc]


def test_the_embedding_is_the_projection_of_all_features_side_by_side(items: ItemBatch) -> None:
    branch = ItemBranch(TEXT, IMAGE, Projection(4, 3))
    features = branch.features(items)
    assert torch.equal(branch.project(features), branch.projection(features.joined()))


def test_a_branch_without_an_encoder_takes_the_features_of_another_branch(items: ItemBatch) -> None:
    first = ItemBranch(TEXT, IMAGE, Projection(4, 3)).features(items)
    second = ItemBranch(None, IMAGE, Projection(4, 3)).features(items, others=first)
    assert second.text is first.text
    assert torch.equal(second.joined(), first.joined())


def test_known_features_stand_for_a_frozen_encoder_alone(items: ItemBatch) -> None:
    known = items._replace(text_features=torch.full((4, 2), 7.0), image_features=torch.full((4, 2), 8.0))
    frozen = MeanOf("images", 2.0)
    frozen.frozen = ("",)
    features = ItemBranch(TEXT, frozen, Projection(4, 3)).features(known)
    assert features.text is not None
    assert torch.equal(features.text, TEXT(items))
    assert features.image is known.image_features


def test_features_of_runs_are_those_of_the_whole_batch(items: ItemBatch) -> None:
    branch = ItemBranch(TEXT, IMAGE, Projection(4, 3))
    padded = items._replace(token_ids=torch.ones(4, 9), attention_mask=torch.ones(4, 9, dtype=torch.bool))
    in_runs = padded._replace(text_runs=torch.tensor([[1, 4], [4, 9]]))
    assert torch.equal(branch.features(in_runs).joined(), branch.features(padded).joined())
