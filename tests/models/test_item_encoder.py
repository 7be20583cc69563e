import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from data.options import ImageOptions
from data.pair_batch import ItemBatch, PairBatch
from models.embedding import ItemEmbedding
from models.encoder import Encoder
from models.heads import LinearHead
from models.item_encoder import ItemBranch, ItemEncoder, PairVerifier, build_item_encoder, with_random_weights
from models.options import ModelOptions
from tests.tiny_data import IMAGE_ENCODER, TEXT_ENCODER


def options(**changes: object) -> ModelOptions:
    tree = {"image_encoder": IMAGE_ENCODER, "text_encoder": TEXT_ENCODER, "embedding_width": 6}
    return ModelOptions.model_validate({**tree, **changes})


def build(**changes: object) -> ItemEncoder:
    torch.manual_seed(0)
    return build_item_encoder(options(**changes), ImageOptions()).eval()


def test_the_branches_have_encoders_and_embeddings_of_their_own(items: ItemBatch) -> None:
    encoder = build()
    embedding = encoder(items)
    assert embedding.match.shape == embedding.threshold.shape == (4, 6)
    assert encoder.threshold_width == 6
    assert not torch.allclose(embedding.match, embedding.threshold)
    branches = {name.split(".")[0] for name, _ in encoder.named_parameters()}
    assert branches == {"match", "threshold"}
    assert encoder.match.projection.in_features == 32 + 32


@pytest.mark.parametrize("missing", ["text_encoder", "image_encoder"])
def test_one_modality_suffices_and_the_other_is_not_looked_at(missing: str, items: ItemBatch) -> None:
    unused = {"images": torch.empty(4, 3, 0, 0)}
    if missing == "text_encoder":
        unused = {"token_ids": torch.empty(4, 0), "attention_mask": torch.empty(4, 0)}
    encoder = build(**{missing: None})
    assert encoder(items._replace(**unused)).match.shape == (4, 6)


def test_without_a_threshold_branch_its_embeddings_have_width_zero(items: ItemBatch) -> None:
    encoder = build(threshold_branch=False)
    assert encoder(items).threshold.shape == (4, 0)
    assert encoder.threshold_width == 0
    assert not [name for name in encoder.state_dict() if name.startswith("threshold")]


@pytest.mark.parametrize("threshold_branch", [True, False])
def test_stated_attributes_add_their_numbers_after_those_of_the_branches(
    threshold_branch: bool, items: ItemBatch
) -> None:
    stated = items._replace(attributes=torch.tensor([[3, -1], [3, 5], [-1, 5], [-1, -1]]))
    agreement = {"attributes": ("品牌", "型号"), "codes": 4}
    without = build(threshold_branch=threshold_branch)(items)
    encoder = build(threshold_branch=threshold_branch, agreement=agreement)
    embedding = encoder(stated)
    width = without.threshold.shape[1]
    assert torch.equal(embedding.threshold[:, :width], without.threshold)
    assert torch.equal(embedding.match[:, :6], without.match)
    assert embedding.threshold.shape == (4, encoder.threshold_width) == (4, width + 2)
    assert embedding.match.shape == (4, encoder.match_width) == (4, 6 + 2 * 4)
    assert encoder.agreement is not None
    assert torch.equal(embedding.threshold[:, width:], encoder.agreement(stated).threshold)


def test_shared_encoders_are_run_once_and_held_once(items: ItemBatch) -> None:
    encoder = build(share_encoders=True)
    calls: list[str] = []
    for name, module in encoder.named_modules():
        if name.endswith("_encoder"):
            module.register_forward_hook(lambda *_, name=name: calls.append(name))
    embedding = encoder(items)
    assert sorted(calls) == ["match.image_encoder", "match.text_encoder"]
    assert not torch.allclose(embedding.match, embedding.threshold)
    places = [tensor.data_ptr() for tensor in encoder.state_dict().values() if tensor.numel()]
    assert len(places) == len(set(places))
    assert [name for name in encoder.state_dict() if name.startswith("threshold")] == [
        "threshold.projection.weight",
        "threshold.projection.bias",
    ]


def test_an_encoder_that_is_frozen_as_a_whole_is_held_once_beside_one_that_is_trained(items: ItemBatch) -> None:
    encoder = build(image_encoder={**IMAGE_ENCODER, "freeze": "all"})
    assert encoder.threshold is not None
    assert encoder.threshold.image_encoder is None
    assert encoder.threshold.text_encoder is not None
    assert encoder.threshold.projection.in_features == 32 + 32
    assert encoder(items).threshold.shape == (4, 6)


def test_the_embedding_of_an_item_does_not_depend_on_its_batch(items: ItemBatch) -> None:
    encoder = build()
    together = encoder(items)
    for row in range(4):
        length = int(items.attention_mask[row].sum())
        alone = ItemBatch(*(tensor[row : row + 1] for tensor in items))
        alone = alone._replace(token_ids=alone.token_ids[:, :length], attention_mask=alone.attention_mask[:, :length])
        for one, all_of_them in zip(encoder(alone), together, strict=True):
            torch.testing.assert_close(one[0], all_of_them[row], atol=1e-5, rtol=0)
    longer = items._replace(
        token_ids=functional.pad(items.token_ids, (0, 9)), attention_mask=functional.pad(items.attention_mask, (0, 9))
    )
    torch.testing.assert_close(encoder(longer).match, together.match, atol=1e-5, rtol=0)


def test_runs_of_similar_length_change_no_embedding_and_no_gradient(items: ItemBatch) -> None:
    runs = torch.tensor([[1, 6], [3, 5], [4, 3]])  # texts of 6, 5, 4 and 3 tokens, of which the third is padded
    found = []
    for batch in (items, items._replace(text_runs=runs)):
        encoder = build()
        embedding = encoder(batch)
        (embedding.match * embedding.threshold).sum().backward()
        found.append([*embedding, *(parameter.grad for parameter in encoder.parameters())])
    for whole, in_runs in zip(*found, strict=True):
        torch.testing.assert_close(in_runs, whole)


def test_normalised_embeddings_have_length_one(items: ItemBatch) -> None:
    for embedding in build(head={"name": "cosine"})(items):
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(4))


def test_activation_checkpointing_changes_no_embedding_and_no_gradient(items: ItemBatch) -> None:
    plain = build().train()
    saving = copy.deepcopy(plain)
    saving.checkpoint_activations()
    for encoder in (plain, saving):
        embedding = encoder(items)
        (embedding.match * embedding.threshold).sum().backward()
    for (name, first), second in zip(plain.named_parameters(), saving.parameters(), strict=True):
        assert first.grad is not None, name
        torch.testing.assert_close(second.grad, first.grad, msg=name)


def test_random_weights_replace_pretrained_ones_in_both_encoders() -> None:
    pretrained = options(image_encoder={**IMAGE_ENCODER, "weights": "pretrained"}, text_encoder=None)
    random = with_random_weights(pretrained)
    assert random.image_encoder is not None
    assert random.image_encoder.weights == "random"
    assert random.text_encoder is None
    assert random.embedding_width == pretrained.embedding_width


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
    features = ItemBranch(TEXT, IMAGE, LinearHead(4, 3)).features(items).joined()
    torch.testing.assert_close(features, torch.cat([TEXT(items), IMAGE(items)], dim=1))
    assert features[0, [1, 3]].tolist() == [1.0, 2.0]


def test_one_modality_alone_gives_its_features(items: ItemBatch) -> None:
    for text, image in ((TEXT, None), (None, IMAGE)):
        features = ItemBranch(text, image, LinearHead(2, 3)).features(items).joined()
        torch.testing.assert_close(features, (text or image)(items))  # type: ignore[misc]


def test_the_embedding_is_the_projection_of_all_features_side_by_side(items: ItemBatch) -> None:
    branch = ItemBranch(TEXT, IMAGE, LinearHead(4, 3))
    features = branch.features(items)
    assert torch.equal(branch.project(features), branch.projection(features.joined()))


def test_a_branch_without_an_encoder_takes_the_features_of_another_branch(items: ItemBatch) -> None:
    first = ItemBranch(TEXT, IMAGE, LinearHead(4, 3)).features(items)
    second = ItemBranch(None, IMAGE, LinearHead(4, 3)).features(items, others=first)
    assert second.text is first.text
    assert torch.equal(second.joined(), first.joined())


def test_known_features_stand_for_a_frozen_encoder_alone(items: ItemBatch) -> None:
    known = items._replace(text_features=torch.full((4, 2), 7.0), image_features=torch.full((4, 2), 8.0))
    frozen = MeanOf("images", 2.0)
    frozen.frozen = ("",)
    features = ItemBranch(TEXT, frozen, LinearHead(4, 3)).features(known)
    assert features.text is not None
    assert torch.equal(features.text, TEXT(items))
    assert features.image is known.image_features


def test_features_of_runs_are_those_of_the_whole_batch(items: ItemBatch) -> None:
    branch = ItemBranch(TEXT, IMAGE, LinearHead(4, 3))
    padded = items._replace(token_ids=torch.ones(4, 9), attention_mask=torch.ones(4, 9, dtype=torch.bool))
    in_runs = padded._replace(text_runs=torch.tensor([[1, 4], [4, 9]]))
    assert torch.equal(branch.features(in_runs).joined(), branch.features(padded).joined())


class CountingEncoder(nn.Module):
    """Embeddings of known numbers; counts the items it is asked for."""

    num_items = 0

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        self.num_items += len(items.item)
        numbers = items.item.float()
        return ItemEmbedding(threshold=numbers[:, None], match=torch.stack([numbers, numbers + 1], dim=1))


def test_pairs_are_scored_from_the_embeddings_of_their_items_each_encoded_once(items: ItemBatch) -> None:
    encoder = CountingEncoder()
    source, target = torch.tensor([3, 0, 1, 3, 2]), torch.tensor([1, 1, 1, 2, 3])
    batch = PairBatch(items, source, target, torch.ones(5, dtype=torch.bool), torch.arange(4))
    verified = PairVerifier(encoder)(batch)  # type: ignore[arg-type]
    assert encoder.num_items == 4
    for place, (a, b) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        assert verified.score.match[place].item() == pytest.approx(a * b + (a + 1) * (b + 1))
        assert verified.score.threshold[place].item() == pytest.approx(a * b)
    assert verified.items.match.shape == (4, 2)
