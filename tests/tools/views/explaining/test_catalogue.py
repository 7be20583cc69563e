from pathlib import Path

import pytest

from engine.verifier import Verifier
from options.errors import UserError
from tests.tiny_data import write_lines
from tests.trained_run import Trained
from tools.views.explaining.catalogue import Catalogue, load_catalogue


@pytest.fixture
def catalogue(trained: Trained) -> Catalogue:
    return load_catalogue(None, None, Verifier.load(trained()).options)


def test_the_items_of_all_splits_are_found_by_id(catalogue: Catalogue) -> None:
    assert len(catalogue) == 120
    for item_id in ("train-3", "val-3", "test-3"):
        listing = catalogue.get(item_id)
        assert listing.item.item_id == item_id
        assert listing.picture(16).shape == (16, 16, 3)


def test_an_unknown_id_is_refused_with_the_files(catalogue: Catalogue) -> None:
    assert catalogue.find("nobody") is None
    with pytest.raises(UserError, match=r"'nobody' in .*item_test_info\.jsonl"):
        catalogue.get("nobody")


def test_the_search_finds_ids_and_titles_the_item_of_that_id_first(catalogue: Catalogue) -> None:
    assert [listing.item.item_id for listing in catalogue.search("val-1", 3)] == ["val-1", "val-10", "val-11"]
    found = catalogue.search("花瓶 VAL 7号", 50)
    assert {listing.item.item_id for listing in found} == {"val-14", "val-15", "val-34", "val-35"}
    assert len(catalogue.search("", 5)) == 5
    assert catalogue.search("no such words", 5) == []


def test_items_of_another_file_take_the_place_of_the_splits(trained: Trained, tmp_path: Path) -> None:
    options = Verifier.load(trained()).options
    items = write_lines(tmp_path / "items.jsonl", [{"item_id": "a", "item_image_name": "a.jpg"}])
    catalogue = load_catalogue(items, tmp_path, options)
    assert len(catalogue) == 1
    assert catalogue.get("a").picture_to_show(8) is None
    with pytest.raises(UserError, match="belong together"):
        load_catalogue(items, None, options)
    with pytest.raises(UserError, match="does not exist"):
        load_catalogue(items, tmp_path / "none", options)


def test_a_model_of_texts_alone_needs_no_images(trained: Trained, tmp_path: Path) -> None:
    options = Verifier.load(trained("model.image_encoder=null")).options
    items = write_lines(tmp_path / "items.jsonl", [{"item_id": "a", "item_image_name": "a.jpg"}])
    assert load_catalogue(items, tmp_path / "none", options).get("a").picture_to_show(8) is None
