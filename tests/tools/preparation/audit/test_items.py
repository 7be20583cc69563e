import sys
import unicodedata

import pytest

from data.item_catalog import ItemFields
from data.options import ComparedAttributes, Modalities
from tools.preparation.audit.items import LONGEST_TITLE, ItemLine, item_remarks
from tools.preparation.audit.statements import PLAIN, seen

TEXT = Modalities(text=True, image=True)


def kinds(title: str = "花瓶", item_pvs: str = "#品牌#:#木岚#;", sku_pvs: str = "") -> list[str]:
    return [kind for kind, _ in remarks(ItemFields("a", title, item_pvs, sku_pvs, "花瓶", "a.png"))]


def remarks(fields: ItemFields, reads: Modalities = TEXT) -> list[tuple[str, str]]:
    return list(item_remarks(ItemLine(1, fields, fields.item()), reads, ["品牌", "尺寸"]))


@pytest.mark.parametrize(
    "text", ["#a#:#b#", "#a#:#b#;", "#a#:#b#;#a#:#c:d#", "#a#:#b#; ", "#a#:#b#;#c#:##;", "#a b#:#1/2 (c)#"]
)
def test_the_notation_has_nothing_to_find(text: str) -> None:
    assert kinds(item_pvs=text) == []


@pytest.mark.parametrize(
    "text", ["a:b", "#a#:#b#;c:d", "#a#：#b#；", "a:b;", "#a:b#", "#a#:#b#;;", "品牌：木岚", "#品牌#:木岚"]
)
def test_what_is_read_but_written_otherwise_is_noted(text: str) -> None:
    assert kinds(item_pvs=text) == ["attribute-notation"]


@pytest.mark.parametrize(
    "text",
    ["#a#:#b;c#;", "#a#;#b#:#c#", "#a#:#b#;:c", "#a#:#b#；c", "a:b;c", "a:b;c=d", "#a#:#b#;\u200b:c"],
)
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
    for fields in (
        ItemFields("a", "花瓶", text, "", "花瓶", "a.png"),
        ItemFields("a", "花瓶", "", text, "花瓶", "a.png"),
    ):
        assert [message for _, message in remarks(fields)] == messages
        assert {kind for kind, _ in remarks(fields)} <= {"attribute-misread", "attribute-notation"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#型号#:#x#; 品牌:木岚", "of '品牌' nothing is read: ' 品牌:木岚'"),
        ("#型号#:#x#; 品牌\u200b:木岚", "of '品牌' nothing is read: ' 品牌\\u200b:木岚'"),
    ],
)
def test_a_statement_that_nothing_reads_is_told_without_marks_too(text: str, message: str) -> None:
    fields = ItemFields("a", "花瓶", "", text, "花瓶", "a.png")
    assert remarks(fields) == [("attribute-misread", message)]


def test_no_letter_of_a_plain_notation_can_be_taken_for_a_mark() -> None:
    letters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    plain = [sign for sign in letters if PLAIN.fullmatch(f"#a#:#{sign}#")]
    assert len(plain) > 100_000
    assert not {*"#:;"} & {*unicodedata.normalize("NFKC", "".join(plain))}


@pytest.mark.parametrize("value", ["木岚™", "Ⅳ㎏①", "ﬁß㏎", "İ", "AbC", " 木 岚 ", "木#岚"])
def test_a_value_is_read_whatever_its_width_and_case(value: str) -> None:
    assert "attribute-lost" not in kinds(item_pvs=f"品牌:{value}")


def test_what_is_lost_is_told_from_what_is_part_of_another_value() -> None:
    assert kinds(item_pvs="#产地#:#C#7#;") == ["attribute-notation"]
    assert kinds(item_pvs="红#产地#:#木岚#;")[0] == "attribute-lost"


def test_attributes_that_are_compared_are_looked_at_without_text_too() -> None:
    fields = ItemFields("a", "", "#颜色 #:#红#;", "", "花瓶", "a.png")
    assert remarks(fields, Modalities(text=False, image=True)) == []
    compared = Modalities(text=False, image=True, attributes=ComparedAttributes(("颜色",)))
    assert [kind for kind, _ in remarks(fields, compared)] == ["attribute-misread"]


@pytest.mark.parametrize("title", [" ", "\u3000", "\u200b", "#", "# #", "\x00"])
def test_a_title_of_which_nothing_is_seen_is_none(title: str) -> None:
    assert "item-no-title" in kinds(title)
    assert "item-no-text" in kinds(title, item_pvs="#品牌#:# #;")


@pytest.mark.parametrize(
    "title", ["花瓶 <3 > 2", "M&M 花瓶; 大", "尺寸<10cm,高>5", "A & B;", "花" * LONGEST_TITLE, "é😀"]
)
def test_ordinary_titles_have_nothing_to_find(title: str) -> None:
    assert kinds(title) == []


@pytest.mark.parametrize("title", ["<br/>", "</p>", "<font color=red>花", "&#x82b1;", "&#33457;", "&amp;"])
def test_html_is_noted(title: str) -> None:
    assert kinds(title) == ["title-html"]


def test_the_remarks_on_a_huge_and_hostile_title_are_short_and_printable() -> None:
    for _, message in remarks(ItemFields("a", "\x1b\u202e<b>" * 10**6, "\x1b" * 10**6, "", "", "a.png")):
        assert message.isprintable()
        assert len(message) < 1000


def test_long_runs_of_combining_marks_take_no_longer_than_other_text() -> None:
    marks = "e" + "\u0301\u0316" * 40_000
    fields = ItemFields(marks, marks, f"#{marks}#:#{marks}#", f"#品牌 #:#{marks}#", "花瓶", "a.png")
    assert "attribute-misread" in {kind for kind, _ in remarks(fields)}
    assert len(seen(marks)) == len(marks)


@pytest.mark.parametrize(
    ("item_id", "is_shortened"),
    [
        *((text, True) for text in ("1.23E+11", "1.23457e+11", "1,23E+11", "6E+14", " 1.2E+11 ", "9.9E+307")),
        *((text, False) for text in ("123000000000", "1.23", "XE+11", "12.3E+11", "1.23E11", "1E+1", "a1.2E+11")),
    ],
)
def test_an_id_that_a_spreadsheet_has_shortened_is_a_warning(item_id: str, is_shortened: bool) -> None:
    fields = ItemFields(item_id, "花瓶", "#品牌#:#木岚#", "", "花瓶", "a.png")
    assert [kind for kind, _ in remarks(fields)] == ["item-id-shortened"] * is_shortened


def test_of_all_attributes_each_that_the_item_states_is_read() -> None:
    def found(pvs: str) -> list[str]:
        line = ItemFields("a", "", pvs, "", "花瓶", "a.png")
        return [kind for kind, _ in item_remarks(ItemLine(1, line, line.item()), Modalities(True, False), "all")]

    assert found("#own#:#x#;") == ["item-no-title"]
    assert "item-no-text" in found("")
