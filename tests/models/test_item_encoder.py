import copy

import pytest
import torch
from torch.nn import functional

from data.pair_batch import ItemBatch
from models.item_encoder import ItemEncoder, build_item_encoder, with_random_weights
from models.options import ModelOptions
from tests.tiny_data import IMAGE_ENCODER, TEXT_ENCODER


def options(**changes: object) -> ModelOptions:
    tree = {"image_encoder": IMAGE_ENCODER, "text_encoder": TEXT_ENCODER, "embedding_width": 6}
    return ModelOptions.model_validate({**tree, **changes})


def build(**changes: object) -> ItemEncoder:
    torch.manual_seed(0)
    return build_item_encoder(options(**changes)).eval()


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
    for embedding in build(normalize=True)(items):
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
