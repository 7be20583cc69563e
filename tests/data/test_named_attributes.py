import pytest

from data.item import Item, parse_attributes
from data.named_attributes import unread_names
from data.options import NOTHING_COMPARED, ComparedAttributes, Modalities, TextOptions
from options.errors import UserError

COMPARES = ComparedAttributes(("颜色", "容量"), {"容量": ("5L",)})


def items(*notations: str, title: str = "花瓶") -> list[Item]:
    return [Item(str(row), title, parse_attributes(text, ""), "", "") for row, text in enumerate(notations)]


def said(
    given: list[Item], *names: str, text: bool = True, compared: ComparedAttributes = NOTHING_COMPARED
) -> list[str]:
    options = TextOptions(attributes=names) if names else TextOptions()
    return unread_names(given, options, Modalities(text, False, compared))


def test_names_of_which_no_item_has_any_are_refused_with_those_that_items_have() -> None:
    given = items("#品牌#:#a#;#色#:#红#", "#品牌#:#b#", "")
    message = (
        "data.text.attributes: of 3 items none has 'brand', 'color'; those that most have are '品牌', '色'. Name what "
        "they have, or give data.text.attributes: []"
    )
    with pytest.raises(UserError) as error:
        said(given, "brand", "color")
    assert str(error.value) == message
    assert said(given, "brand", "color", text=False) == []
    assert said(given, "brand", "品牌") == ["data.text.attributes: fewer than 1% of 3 items have 'brand' (0)"]


def test_of_many_names_ten_are_told() -> None:
    given = items(*("".join(f"#n{name}#:#x#;" for name in range(row)) for row in range(1, 31)))
    with pytest.raises(UserError, match=r"are 'n0', 'n1', 'n2', .*, 'n9'\. Name"):
        said(given, "brand")


def test_names_are_read_as_the_encoder_reads_them() -> None:
    assert said(items("#ＢＲＡＮＤ#:#a#"), "Brand") == []
    with pytest.raises(UserError, match="those that most have are '品牌 '"):
        said(items("#品牌 #:#a#"), "品牌")


@pytest.mark.parametrize(("having", "is_told"), [(0, True), (1, True), (2, False)])
def test_a_name_of_fewer_than_one_in_a_hundred_items_is_told(having: int, is_told: bool) -> None:
    given = items(*["#品牌#:#a#;#型号#:#x#"] * having, *["#品牌#:#a#"] * (150 - having))
    expected = [f"data.text.attributes: fewer than 1% of 150 items have '型号' ({having})"]
    assert said(given, "品牌", "型号") == expected * is_told


def test_the_published_names_count_together_and_not_at_all_where_items_have_no_attributes() -> None:
    assert said(items("#品牌#:#a#")) == []
    assert said(items("", "")) == []
    with pytest.raises(UserError, match=r"none has '颜色分类', .* '别的'"):
        said(items("#别的#:#a#", ""))
    assert len(said(items("#品牌#:#a#", *["#别的#:#a#"] * 150))) == 1


def test_no_names_and_no_items_are_nothing_to_say() -> None:
    assert unread_names(items("#品牌#:#a#"), TextOptions(attributes=()), Modalities(True, False)) == []
    assert said([], "brand") == []


def test_names_that_are_given_have_to_be_there() -> None:
    with pytest.raises(UserError, match=r"none has 'brand'; they have no attributes\. Name"):
        said(items("", ""), "brand")


def test_compared_names_are_there_where_an_item_or_its_title_states_one() -> None:
    with pytest.raises(UserError, match=r"model\.agreement\.attributes: of 1 items none .* model\.agreement: null"):
        said(items("#品牌#:#a#"), text=False, compared=COMPARES)
    with pytest.raises(UserError, match="none has '颜色', '容量'"):
        said(items("#颜色#:# #"), text=False, compared=COMPARES)
    rare = "model.agreement.attributes: fewer than 1% of 1 items have "
    assert said(items("", title="杯 5L"), text=False, compared=COMPARES) == [f"{rare}'颜色' (0)"]
    assert said(items("#颜色 #:#红#"), text=False, compared=COMPARES) == [f"{rare}'容量' (0)"]


def test_of_all_attributes_none_can_be_missing() -> None:
    options = TextOptions(attributes="all")
    assert unread_names(items("#品牌#:#a#;", ""), options, Modalities(True, False, NOTHING_COMPARED)) == []
    assert unread_names(items("", ""), options, Modalities(True, False, NOTHING_COMPARED)) == []
