from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data.item import Item, item_text
from data.item_image import BadImageError, read_image
from data.pair_batch import ItemBatch
from data.stated_values import value_digests
from engine.verifier import Verifier
from models.embedding import ItemEmbedding
from options.errors import UserError
from tests.tiny_data import AGREEMENT, IMAGE_SIZE
from tests.trained_run import Trained
from tools.views.explaining.catalogue import Listing, load_catalogue
from tools.views.explaining.explain import ExplanationSettings, attribute_names, explain_pair, read_attributes
from tools.views.explaining.parts import Explanation, Kind, Part, Side

SETTINGS = ExplanationSettings(grid=3)
MODELS = [(), ("model.image_encoder=null",), ("model.text_encoder=null",)]
COMPARING = ("model.text_encoder=null", AGREEMENT)


def explained(
    run: Path, settings: ExplanationSettings | None = SETTINGS
) -> tuple[Verifier, list[Listing], Explanation]:
    model = Verifier.load(run)
    catalogue = load_catalogue(None, None, model.options)
    pair = [catalogue.get("val-1"), catalogue.get("val-6")]
    return model, pair, explain_pair(model, pair[0], pair[1], settings)


def alone(model: Verifier, item: Item, picture: np.ndarray | None) -> ItemEmbedding:
    """The embeddings of one item, by a batch that is made by hand."""
    ids, images = torch.empty((1, 0), dtype=torch.int64), torch.empty((1, 3, 0, 0))
    if (tokenizer := model.preparation.tokenizer) is not None:
        ids = torch.tensor(tokenizer([item_text(item, model.options.data.text.attributes)]))
    if picture is not None and model.options.reads.image:
        mean, std = np.array(model.options.data.image.mean), np.array(model.options.data.image.std)
        images = torch.tensor((picture / 255 - mean) / std, dtype=torch.float32).permute(2, 0, 1)[None]
    with torch.no_grad():
        stated = torch.tensor([value_digests(item, model.options.reads.attributes)])
        mask = torch.ones_like(ids, dtype=torch.bool)
        return model.encoder(ItemBatch(images, ids, mask, torch.zeros(1), torch.zeros(1), attributes=stated))


def slow_margin(model: Verifier, items: list[Item], pictures: list[np.ndarray | None]) -> float:
    source, target = (alone(model, item, picture) for item, picture in zip(items, pictures, strict=True))
    return float(source.match[0] @ target.match[0] - source.threshold[0] @ target.threshold[0])


def without(part: Part, item: Item, picture: np.ndarray) -> tuple[Item, np.ndarray]:
    """Leave a part out, written once more."""
    if part.kind == "title":
        return replace(item, title=""), picture
    if part.kind == "word":
        first, last = part.place
        assert item.title[first:last] == part.name
        return replace(item, title=item.title[:first] + " " + item.title[last:]), picture
    if part.kind == "attribute":
        attributes = dict(item.attributes)
        del attributes[part.name]
        return replace(item, attributes=attributes), picture
    covered = picture.copy()
    colour = np.round(picture.reshape(-1, 3).mean(axis=0))
    if part.kind == "picture":
        covered[:] = colour
        return item, covered
    edges = [round(IMAGE_SIZE * number / 3) for number in range(4)]
    for row in range(edges[part.place[0]], edges[part.place[0] + 1]):
        for column in range(edges[part.place[1]], edges[part.place[1] + 1]):
            covered[row, column] = colour
    return item, covered


@pytest.mark.parametrize("overrides", [*MODELS, COMPARING])
def test_each_margin_is_that_of_the_variant_encoded_alone(trained: Trained, overrides: tuple[str, ...]) -> None:
    model, pair, explanation = explained(trained(*overrides))
    items = [listing.item for listing in pair]
    folder = model.options.data.val.images if model.options.data.val is not None else Path()
    pictures = [read_image(folder / item.image, IMAGE_SIZE) for item in items]
    whole = slow_margin(model, items, pictures)
    assert explanation.verdict.margin == pytest.approx(whole, abs=1e-5)
    assert len(explanation.effects) > 5
    for effect in explanation.effects:
        place = 0 if effect.part.side == "source" else 1
        item, picture = without(effect.part, items[place], pictures[place])
        changed_items, changed_pictures = list(items), list(pictures)
        changed_items[place], changed_pictures[place] = item, picture
        assert effect.margin == pytest.approx(slow_margin(model, changed_items, changed_pictures), abs=1e-5)
        assert effect.change == effect.margin - explanation.verdict.margin
    assert any(abs(effect.change) > 1e-4 for effect in explanation.effects)


def kinds(explanation: Explanation, side: Side) -> set[Kind]:
    return {effect.part.kind for effect in explanation.effects if effect.part.side == side}


def test_all_that_the_model_reads_is_left_out_and_nothing_else(trained: Trained) -> None:
    text = {"title", "word", "attribute"}
    picture = {"picture", "region"}
    for overrides, expected in zip([*MODELS, COMPARING], (text | picture, text, picture, text | picture), strict=True):
        _, _, explanation = explained(trained(*overrides))
        assert kinds(explanation, "source") == kinds(explanation, "target") == expected
    assert len(explanation.of("target", "region")) == 9


def test_items_are_encoded_once_each_and_the_other_one_of_the_pair_only_as_it_is(trained: Trained) -> None:
    run = trained()
    model, pair, _ = explained(run, None)
    rows: list[int] = []
    model.encoder.register_forward_pre_hook(lambda _, arguments: rows.extend(arguments[0].item.tolist()))
    explanation = explain_pair(model, *pair, SETTINGS)
    assert sorted(rows) == list(range(len(explanation.effects) + 2))


def test_without_settings_there_is_the_verdict_alone(trained: Trained) -> None:
    model, _, explanation = explained(trained(), None)
    assert explanation.effects == ()
    assert explanation.verdict.decision_threshold == model.rule.threshold
    assert explanation.verdict.is_same == (explanation.verdict.margin > model.rule.threshold)


def test_words_beyond_the_most_are_counted(trained: Trained) -> None:
    _, pair, explanation = explained(trained(), ExplanationSettings(grid=1, most_words=2))
    assert len(explanation.of("source", "word")) == 2
    words = sum(len([c for c in listing.item.title if not c.isdigit() and c != " "]) + 1 for listing in pair)
    assert explanation.num_words_left == words - 4


def test_the_threshold_of_the_category_is_the_pair_s(trained: Trained) -> None:
    model, pair, _ = explained(trained(), None)
    rule = replace(model.rule, categories={"花瓶": 1e9})
    verdict = explain_pair(replace(model, rule=rule), *pair, None).verdict
    assert (verdict.decision_threshold, verdict.is_same) == (1e9, False)


def test_too_fine_a_grid_is_refused(trained: Trained) -> None:
    with pytest.raises(UserError, match="21 x 21 is too fine"):
        explained(trained(), ExplanationSettings(grid=21))


def test_an_unreadable_picture_ends_it_or_counts_as_blank(trained: Trained) -> None:
    model, (source, target), _ = explained(trained(), None)
    broken = replace(source, item=replace(source.item, image="none.jpg"))
    with pytest.raises(BadImageError, match=r"none\.jpg.*item 'val-1'"):
        explain_pair(model, broken, target, SETTINGS)
    data = model.options.data
    image = data.image.model_copy(update={"on_bad_image": "blank"})
    options = model.options.model_copy(update={"data": data.model_copy(update={"image": image})})
    explanation = explain_pair(replace(model, options=options), broken, target, SETTINGS)
    assert explanation.of("source", "region") == []
    assert len(explanation.of("target", "region")) == 9


def test_of_all_attributes_each_that_an_item_states_is_left_out_in_turn(trained: Trained) -> None:
    model, pair, found = explained(trained("model.image_encoder=null", "data.text.attributes=all"))
    assert attribute_names(model.options) == ["every attribute"]
    for side, listing in zip(("source", "target"), pair, strict=True):
        left_out = {e.part.name for e in found.effects if (e.part.side, e.part.kind) == (side, "attribute")}
        assert left_out == {*listing.item.attributes}
        assert read_attributes(model.options, listing.item) == [*listing.item.attributes]
    assert left_out
