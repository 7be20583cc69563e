import pytest

from data.item import Item, parse_attributes
from tools.preparation.audit.items import (
    LONGEST_TITLE,
    ItemLine,
    Remark,
    attribute_remarks,
    id_remarks,
    text_remarks,
)


def remarks(title: str = "花瓶", item_pvs: str = "#品牌#:#木岚#;", sku_pvs: str = "") -> list[Remark]:
    item = Item("a", title, parse_attributes(item_pvs, sku_pvs), "", "a.png")
    line = ItemLine(1, {"item_pvs": item_pvs, "sku_pvs": sku_pvs}, item)
    return [*text_remarks(line, ["品牌"]), *attribute_remarks(line)]


def kinds(title: str = "花瓶", item_pvs: str = "#品牌#:#木岚#;", sku_pvs: str = "") -> list[str]:
    return [kind for kind, *_ in remarks(title, item_pvs, sku_pvs)]


@pytest.mark.parametrize(
    "text", ["#a#:#b#", "#a#:#b#;", "#a#:#b#;#a#:#c:d#;", "#a#:#b#; ", "#a#:#b#;#c#:##;", "#a b#:#1/2 (c)#"]
)
def test_the_notation_has_nothing_to_find(text: str) -> None:
    assert kinds(item_pvs=text) == []


@pytest.mark.parametrize("text", ["a:b", "#a#:#b#;c:d", "#a#：#b#；", "a:b;", "#a:b#", "#a#:#b#;;"])
def test_what_is_read_but_written_otherwise_is_noted(text: str) -> None:
    assert kinds(item_pvs=text) == ["attribute-notation"]


@pytest.mark.parametrize("text", ["#a#:#b;c#;", "#a#;#b#:#c#", "#a#:#b#;:c", "#a#:#b#；c", "a:b;c"])
def test_what_is_passed_over_is_a_warning(text: str) -> None:
    assert kinds(item_pvs=text) == ["attribute-lost"]
    assert kinds(sku_pvs=text) == ["attribute-lost"]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("#尺寸#:#长：10cm；宽：5cm#;",
         ["'#尺寸#:#长：10cm；宽：5cm#' is read as '尺寸': '长:10cm', '宽': '5cm', "
          "not as '尺寸': '长:10cm;宽:5cm'"]),
        ("#品牌 #:# 木岚 #;", ["'#品牌 #:# 木岚 #' is read as '品牌 ': ' 木岚 ', not as '品牌': ' 木岚 '"]),
        ("#品\u200b牌#:#木岚#;", ["'#品\\u200b牌#:#木岚#' is read as '品\\u200b牌': '木岚', not as '品牌': '木岚'"]),
        ("＃品牌＃：＃木岚＃；", ["'＃品牌＃：＃木岚＃' is read as '#品牌#': '#木岚#', not as '品牌': '木岚'"]),
        ("#比例:1#:#64#;", ["'#比例:1#:#64#' is read as '比例': '1:64', not as '比例:1': '64'"]),
        (
            "#品牌#:#木岚##型号#:#X#;",
            [
                "'#品牌#:#木岚#' is read as '品牌': '木岚型号:x', not as '品牌': '木岚'",
                "'#型号#:#X#' is passed over",
            ],
        ),
        ("#货号#:#2962#现#;#语言#:#C##", ["'#货号#:#2962#现#;#语言#:#C##' is read, but not written as #key#:#value#;"]),
        ("#a#:#b#; #c#:#d#; ", ["'#c#:#d#' is read as ' c': 'd', not as 'c': 'd'"]),
        ("#品牌#:#木岚#;#型号#:# #;#颜色#:#红#;", []),
        ("#色#:#红#;#色#:#蓝#;#网址#:#http://a#", []),
    ],
)  # fmt: skip
def test_what_is_read_as_something_else_is_told_with_what_it_is_read_as(text: str, messages: list[str]) -> None:
    found = remarks(item_pvs=text)
    assert [message for *_, message in found] == messages
    assert {kind for kind, *_ in found} <= {"attribute-misread", "attribute-notation"}
    assert [message for *_, message in remarks(sku_pvs=text)] == messages


@pytest.mark.parametrize(
    "title", ["花瓶 <3 > 2", "M&M 花瓶; 大", "尺寸<10cm,高>5", "A & B;", "花" * LONGEST_TITLE, "é😀"]
)
def test_ordinary_titles_have_nothing_to_find(title: str) -> None:
    assert kinds(title) == []


@pytest.mark.parametrize("title", ["<br/>", "</p>", "<font color=red>花", "&#x82b1;", "&#33457;", "&amp;"])
def test_html_is_noted(title: str) -> None:
    assert kinds(title) == ["title-html"]


def test_the_remarks_on_a_huge_and_hostile_title_are_short_and_printable() -> None:
    item = Item("a", "\x1b\u202e<b>" * 10**6, {}, "", "a.png")
    line = ItemLine(1, {"item_pvs": "#\x1b #:#a;b" * 10**4 + "#", "sku_pvs": "\x1b" * 10**6}, item)
    for _, _, message in (*text_remarks(line, ["品牌"]), *attribute_remarks(line)):
        assert message.isprintable()
        assert len(message) < 1000


@pytest.mark.parametrize(
    ("item_id", "is_shortened"),
    [
        *((text, True) for text in ("1.23E+11", "1.23457e+11", "1,23E+11", "6E+14", " 1.2E+11 ", "9.9E+307")),
        *((text, False) for text in ("123000000000", "1.23", "XE+11", "12.3E+11", "1.23E11", "1E+1", "a1.2E+11")),
    ],
)
def test_an_id_that_a_spreadsheet_has_shortened_is_a_warning(item_id: str, is_shortened: bool) -> None:
    found = list(id_remarks(ItemLine(1, {}, Item(item_id, "", {}, "", "a.png"))))
    assert [kind for kind, *_ in found] == ["item-id-shortened"] * is_shortened
