import asyncio
from collections.abc import Callable

import pytest
from starlette.datastructures import FormData

from options.errors import UserError
from tests.tools.views.serving.conftest import picture
from tools.views.serving.form import EnteredItem, empty_pair, listing_of, read_form
from tools.views.serving.judge import Judge


def test_absent_fields_are_empty_and_half_characters_replaced() -> None:
    entered = asyncio.run(read_form(FormData([("source_title", "a\ud83d"), ("explained", "1")])))
    assert entered.sides["source"].fields["title"] == "a\ufffd"
    assert entered.sides["target"] == EnteredItem(dict.fromkeys(entered.sides["target"].fields, ""), b"", "")
    assert entered.explained
    assert not asyncio.run(read_form(FormData())).explained


def test_an_entered_item_has_the_attributes_of_its_lines(make_judge: Callable[..., Judge]) -> None:
    judge = make_judge()
    fields = dict(empty_pair(False).sides["source"].fields)
    fields |= {
        "title": "花瓶 XK",
        "attributes": "品牌：木岚\r\n\n型号 : X K\n品牌:b\nno attribute\n材质=棉\n比例 ＝ 1:2\n#用途#:#a=b#",
        "category": " 花瓶 ",
    }
    listing = listing_of(EnteredItem(fields, picture(), "a.png"), "source", judge.catalogue, judge.verifier)
    assert listing.item.attributes == {
        "品牌": ("木岚", "b"), "型号": ("x k",), "材质": ("棉",), "比例": ("1:2",), "用途": ("a=b",),
    }  # fmt: skip
    assert (listing.item.title, listing.item.category) == ("花瓶 XK", "花瓶")
    assert listing.picture(8).shape == (8, 8, 3)


def test_a_fault_names_its_side(make_judge: Callable[..., Judge]) -> None:
    judge = make_judge()
    with pytest.raises(UserError, match=r"^Target: pick an item"):
        listing_of(empty_pair(True).sides["target"], "target", judge.catalogue, judge.verifier)
