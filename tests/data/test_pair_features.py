import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import pair_features
from data.item import Item, parse_attributes
from data.pair_features import FEWEST_NUMBERS, PairFeatures
from data.stated_values import stated_attributes


def item(title: str, pvs: str = "") -> Item:
    return Item("1", title, parse_attributes(pvs, ""), "", "1.jpg")


TRAINING = [
    item(f"Vase XK-{number}", f"#品牌#:#{'木岚' if number % 3 else 'other'}#;#price#:#¥{number + 0.5}#;")
    for number in range(FEWEST_NUMBERS)
]
SOME = [
    item("Vase XK-3", "#品牌#:#木岚#;#price#:#¥ 10#;"),
    item("红色花瓶 xk3", "#品牌#:#Other#;#price#:#20#;"),
    item("", ""),
    item("blue vase", "#品牌#:#木岚#;#price#:#cheap#;"),
    item("vase", "#price#:#0#;"),
]
FEATURES = PairFeatures.of(TRAINING)


def every_pair(count: int) -> tuple[np.ndarray, np.ndarray]:
    source, target = np.divmod(np.arange(count * count), count)
    return source, target


def measured(source: int, target: int) -> dict[str, float]:
    found = FEATURES.measure(SOME, np.array([source]), np.array([target]))
    return {name: float(values[0]) for name, values in found.items()}


def test_the_attributes_are_the_most_frequent_and_those_of_many_numbers_are_quantities() -> None:
    assert FEATURES.names == ("price", "品牌")
    assert FEATURES.numeric == ("price",)
    assert FEATURES.num_texts == FEWEST_NUMBERS


def test_few_distinct_numbers_or_few_numbers_at_all_are_no_quantity() -> None:
    few = [item("", f"#size#:#{number % (FEWEST_NUMBERS - 1)}#;") for number in range(100)]
    assert PairFeatures.of(few).numeric == ()
    words = [item("", f"#size#:#{number if number % 3 else 'word'}#;") for number in range(100)]
    assert PairFeatures.of(words).numeric == ()


def test_no_more_attributes_are_compared_than_the_most_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_features, "MOST_NAMES", 1)
    assert PairFeatures.of([item("", "#a#:#1#;#b#:#1#;"), item("", "#b#:#1#;")]).names == ("b",)


def test_attributes_agree_contradict_or_are_not_stated_by_both() -> None:
    price, brand = (f"attribute {name}: agrees" for name in ("price", "品牌"))
    assert (measured(0, 0)[price], measured(0, 0)[brand]) == (1.0, 1.0)
    assert (measured(0, 1)[price], measured(0, 1)[brand]) == (-1.0, -1.0)
    assert (measured(0, 2)[price], measured(0, 4)[brand]) == (0.0, 0.0)
    names = [f"attributes: {what}" for what in ("number agreeing", "number contradicting", "share agreeing")]
    assert [measured(0, 3)[name] for name in names] == [1.0, 1.0, 0.5]
    assert [measured(0, 2)[name] for name in names] == [0.0, 0.0, 0.0]


def test_numbers_are_compared_by_their_ratio_and_others_not_at_all() -> None:
    name = "attribute price: logarithm of the ratio"
    assert measured(0, 1)[name] == pytest.approx(math.log(2))
    assert measured(0, 0)[name] == 0.0
    assert all(math.isnan(measured(0, other)[name]) for other in (2, 3, 4))
    assert math.isnan(measured(4, 4)[name])


def test_numbers_have_no_ratio_to_one_that_is_too_large() -> None:
    huge = [item("", f"#price#:#{'9' * 400}#;"), item("", "#price#:#1#;")]
    found = FEATURES.measure(huge, np.array([0, 0]), np.array([1, 0]))
    assert np.isnan(found["attribute price: logarithm of the ratio"]).all()


def test_a_pair_of_an_item_with_itself_shares_all_that_it_has() -> None:
    found = measured(0, 0)
    assert all(found[name] == pytest.approx(1.0) for name in found if name.endswith("cosine"))
    assert all(found[name] == pytest.approx(1.0) for name in found if ": of " in name or name.endswith(" contained"))
    assert all(found[name] == 0.0 for name in found if name.endswith((" of one", " of the other", " of numbers")))


def test_items_without_text_have_no_shares() -> None:
    found = measured(2, 2)
    assert {found[name] for name in found if name.endswith("cosine")} == {0.0}
    assert all(math.isnan(found[name]) for name in found if ": of " in name or name.endswith(" contained"))


def test_a_model_number_is_looked_for_in_the_whole_text_of_the_other() -> None:
    stating = [item("vase XK-101"), item("vase", "#model#:#xk101#;")]
    found = FEATURES.measure(stating, np.array([0]), np.array([1]))
    assert found["title codes in text: longest shared"] == [5]
    assert found["title codes in title: longest shared"] == [0]
    assert found["title codes in title: longest of one"] == [5]


def test_training_items_without_attributes_give_features_of_texts_alone() -> None:
    found = PairFeatures.of([item("a b"), item("c d")]).measure(SOME, np.array([0]), np.array([1]))
    assert found
    assert not [name for name in found if name.startswith("attribute")]


def test_no_pairs_and_no_items_have_as_many_features_of_no_length() -> None:
    none = np.empty(0, np.int64)
    for items in (SOME, []):
        found = FEATURES.measure(items, none, none)
        assert found.keys() == measured(0, 1).keys()
        assert {len(values) for values in found.values()} == {0}


TITLES = st.lists(st.sampled_from(["red", "Vase", "xk-101", "20cm", "花瓶", "红色茶杯", "XK 7", "7"]), max_size=6)
STATED = st.dictionaries(st.sampled_from(["品牌", "price", "size"]), st.sampled_from(["1", "2.5", "木岚", "a;b", ""]))


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(TITLES, STATED), min_size=4, max_size=8))
def test_swapping_the_items_of_a_pair_changes_no_feature_by_a_bit(
    entries: list[tuple[list[str], dict[str, str]]],
) -> None:
    items = [item(" ".join(ws), "".join(f"#{k}#:#{v}#;" for k, v in pvs.items())) for ws, pvs in entries]
    source, target = every_pair(len(items))
    there, back = FEATURES.measure(items, source, target), FEATURES.measure(items, target, source)
    for name, values in there.items():
        np.testing.assert_array_equal(values, back[name], err_msg=name)


@pytest.mark.parametrize("at_once", [1, 3, 24, 25])
def test_features_do_not_depend_on_how_many_pairs_are_measured_at_once(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    source, target = every_pair(len(SOME))
    expected = FEATURES.measure(SOME, source, target)
    monkeypatch.setattr(pair_features, "PAIRS_AT_ONCE", at_once)
    for name, values in FEATURES.measure(SOME, source, target).items():
        assert len(values) == 25
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_every_attribute_that_an_item_states_is_compared_in_the_form_of_its_name_and_values() -> None:
    stating = parse_attributes("#Ｓize#:#L, M#;#size #:#S#;#-#:#x#;#empty#:##;#Colour#:#RED#;", "")
    found = stated_attributes(Item("1", "", stating, "", ""))
    assert found["size"] == ("l", "m", "s")
    assert found["colour"] == ("red",)
    assert not {"", "empty"} & found.keys()
