import json
import multiprocessing
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import data.compact_rows
import data.item_catalog
from data.compact_rows import text_hash
from data.item import Item, parse_attributes
from data.item_catalog import ItemCatalog, read_items
from data.jsonl import DataError
from tests.tiny_data import write_lines

LINE = {"item_id": "a", "item_image_name": "a.jpg"}
SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
WHOLE_CHARACTERS = st.characters(exclude_categories=("Cs",)) | st.sampled_from('#:;,，；Ａ花\n\r\u2028\x1c"\\')
TEXT = st.text(WHOLE_CHARACTERS | st.sampled_from("\ud83d\ude00"), max_size=12)
NAME = st.text(st.sampled_from("ab.花#\n "), min_size=1, max_size=6).filter(lambda name: name not in (".", ".."))
RECORD = st.fixed_dictionaries(
    {"item_id": st.text(WHOLE_CHARACTERS, min_size=1, max_size=4), "item_image_name": NAME},
    optional={
        **dict.fromkeys(("title", "cate_name", "item_pvs", "sku_pvs"), TEXT | st.none()),
        "other": TEXT | st.integers() | st.lists(TEXT, max_size=2),
    },
)
BLANK_LINES = st.lists(st.sampled_from(["", " ", "\t\x0b"]), max_size=2)
LINES = st.tuples(RECORD, BLANK_LINES, st.booleans())
"""A record, the blank lines before it, and whether it is written as it is rather than in ASCII."""
HASHES = pytest.mark.parametrize("hashed", [text_hash, lambda text: 7, len], ids=["its own", "one", "lengths"])
"""The hash as it is, and hashes that collide."""


def test_an_item_has_its_text_attributes_category_and_image(tmp_path: Path) -> None:
    line = {**LINE, "title": "花瓶", "cate_name": "家居", "item_pvs": "#品牌#:#X#", "sku_pvs": None}
    (item,) = read_items(write_lines(tmp_path / "items.jsonl", [line]))
    assert item == Item("a", "花瓶", {"品牌": ("x",)}, "家居", "a.jpg")


def test_missing_text_is_empty(tmp_path: Path) -> None:
    (item,) = read_items(write_lines(tmp_path / "items.jsonl", [LINE]))
    assert item == Item("a", "", {}, "", "a.jpg")


def test_a_part_of_a_catalogue_has_its_items_alone_numbered_from_0(tmp_path: Path) -> None:
    lines = [{**LINE, "item_id": item_id} for item_id in ("c", "a", "b", "d")]
    catalog = read_items(write_lines(tmp_path / "items.jsonl", lines))
    part = catalog.part(range(1, 3))
    assert list(part) == [catalog[1], catalog[2]]
    assert [part.row(item_id) for item_id in ("c", "a", "b", "d")] == [None, 0, 1, None]


def test_the_digest_of_rows_tells_all_that_items_have_and_their_order(tmp_path: Path) -> None:
    def digest(*lines: dict[str, str], rows: range = range(2)) -> str:
        return read_items(write_lines(tmp_path / "items.jsonl", lines)).digest(rows)

    first, second, third = ({**LINE, "item_id": item_id} for item_id in "abc")
    assert digest(first, second) == digest(first, second, third) == digest(third, first, second, rows=range(1, 3))
    others = [digest(second, first), digest(first, second, rows=range(1))]
    others += [digest(first, {**second, key: "x"}) for key in ("title", "cate_name", "item_pvs", "sku_pvs")]
    others.append(digest(first, {**second, "item_image_name": "b.jpg"}))
    assert len({digest(first, second), *others}) == 8


def test_items_keep_the_order_of_the_file_and_are_found_by_id(tmp_path: Path) -> None:
    lines = [{**LINE, "item_id": item_id} for item_id in ("c", "a", "b")]
    catalog = read_items(write_lines(tmp_path / "items.jsonl", lines))
    assert [item.item_id for item in catalog] == ["c", "a", "b"]
    assert [catalog.row(item_id) for item_id in ("c", "a", "b", "d")] == [0, 1, 2, None]
    assert catalog[2].item_id == "b"
    assert len(catalog) == 3


def slow_item(record: dict[str, str | None]) -> Item:
    keys = ("title", "item_pvs", "sku_pvs", "cate_name")
    title, item_pvs, sku_pvs, category = (re.sub("[\ud800-\udfff]", "\ufffd", record.get(key) or "") for key in keys)
    image = record["item_image_name"]
    assert image is not None
    return Item(str(record["item_id"]), title, parse_attributes(item_pvs, sku_pvs), category, image)


def written(record: object, raw: bool) -> bytes:
    try:
        return json.dumps(record, ensure_ascii=not raw).encode()
    except UnicodeEncodeError:
        return json.dumps(record).encode()


@HASHES
def test_any_file_reads_as_a_list_of_its_items(tmp_path: Path, hashed: Callable[[str], int]) -> None:
    file = tmp_path / "items.jsonl"

    @SHARED_FOLDER
    @given(
        lines=st.lists(LINES, min_size=1, max_size=8, unique_by=lambda line: line[0]["item_id"]),
        mark=st.booleans(),
        line_end=st.sampled_from([b"\n", b"\r\n"]),
        last_end=st.booleans(),
        choice=st.data(),
    )
    def check(
        lines: list[tuple[dict[str, str | None], list[str], bool]],
        mark: bool,
        line_end: bytes,
        last_end: bool,
        choice: st.DataObject,
    ) -> None:
        content = [line for record, blank, raw in lines for line in [*map(str.encode, blank), written(record, raw)]]
        file.write_bytes(b"\xef\xbb\xbf" * mark + line_end.join(content) + line_end * last_end)
        expected = [slow_item(record) for record, _, _ in lines]
        catalog = read_items(file)
        assert_equal(catalog, expected)
        assert_equal(ItemCatalog(expected), expected)
        rows = choice.draw(st.lists(st.sampled_from(range(len(expected))), unique=True))
        assert_equal(catalog.select(np.array(rows, np.int64)), [expected[row] for row in rows])
        assert_equal(catalog, expected)

    with pytest.MonkeyPatch.context() as patch:
        patch_hash(patch, hashed)
        check()


def patch_hash(patch: pytest.MonkeyPatch, hashed: Callable[[str], int]) -> None:
    patch.setattr(data.compact_rows, "text_hash", hashed)
    patch.setattr(data.item_catalog, "text_hash", hashed)


def assert_equal(catalog: ItemCatalog, expected: list[Item]) -> None:
    assert list(catalog) == expected
    assert len(catalog) == len(expected)
    assert [catalog[row] for row in range(len(expected))] == expected
    ids = [item.item_id for item in expected]
    assert list(catalog.ids()) == ids
    assert [catalog.row(item_id) for item_id in ids] == list(range(len(ids)))
    assert catalog.row("an id that no item has") is None


@HASHES
def test_the_first_fault_of_a_file_is_named(tmp_path: Path, hashed: Callable[[str], int]) -> None:
    file = tmp_path / "items.jsonl"

    @SHARED_FOLDER
    @given(ids=st.lists(st.sampled_from(["a", "b", "cc", "", "\n", "{"]), min_size=1, max_size=8))
    def check(ids: list[str]) -> None:
        # "" is a blank line, "{" a malformed one.
        lines = [item_id if item_id in ("", "{") else json.dumps({**LINE, "item_id": item_id}) for item_id in ids]
        file.write_text("\n".join(lines))
        fault = first_fault(ids)
        if fault is None:
            assert list(read_items(file).ids()) == [item_id for item_id in ids if item_id]
        else:
            with pytest.raises(DataError, match=re.escape(f"{file}{fault}")):
                read_items(file)

    with pytest.MonkeyPatch.context() as patch:
        patch_hash(patch, hashed)
        check()


def first_fault(ids: list[str]) -> str | None:
    for place, item_id in enumerate(ids):
        if item_id == "{":
            return f":{place + 1}: is not valid JSON"
        if item_id and item_id in ids[:place]:
            shown = item_id.replace("\n", "\\n")
            return f":{place + 1}: item '{shown}' was already on line {ids.index(item_id) + 1}"
    return None if any(ids) else ": has no items"


def test_a_line_that_is_nested_deep_is_read_also_where_the_stack_is(tmp_path: Path) -> None:
    line = json.dumps(LINE)[:-1] + ', "other": ' + "[" * 700 + "]" * 700 + "}\n"
    file = tmp_path / "items.jsonl"
    file.write_text(line)
    catalog = read_items(file)

    def deep(depth: int) -> Item:
        return deep(depth - 1) if depth else catalog[0]

    assert deep(500) == Item("a", "", {}, "", "a.jpg")


def test_a_file_that_is_changed_meanwhile_changes_no_item(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "items.jsonl", [LINE])
    catalog = read_items(file)
    file.write_bytes(b"")
    assert catalog[0].item_id == "a"


def test_a_process_that_is_not_forked_finds_the_same_rows(tmp_path: Path) -> None:
    catalog = read_items(write_lines(tmp_path / "items.jsonl", [{**LINE, "item_id": item_id} for item_id in "abc"]))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(catalog.row, ["c", "a", "d"]) == [2, 0, None]
    assert list(pickle.loads(pickle.dumps(catalog))) == list(catalog)


def test_a_repeated_id_names_both_lines(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "items.jsonl", [LINE, {**LINE, "item_id": "b"}, LINE])
    with pytest.raises(DataError, match=f"^{re.escape(str(file))}:3: item 'a' was already on line 1$"):
        read_items(file)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_items_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(content)
    with pytest.raises(DataError, match=r"items\.jsonl: has no items"):
        read_items(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_id": 5}, "'item_id' should be a string, not 5"),
        ({"item_id": ["a"]}, "'item_id' should be a string"),
        ({"item_id": ""}, "'item_id' is empty"),
        ({"item_id": "\ud800"}, "'item_id' has half a character"),
        ({"item_image_name": None}, "has no 'item_image_name'"),
        ({"item_image_name": ""}, "'item_image_name' is empty"),
        ({"item_image_name": "../a.jpg"}, "a file name without a folder"),
        ({"item_image_name": "/etc/passwd"}, "a file name without a folder"),
        ({"item_image_name": "..\\a.jpg"}, "a file name without a folder"),
        ({"item_image_name": "."}, "a file name without a folder"),
        ({"item_image_name": ".."}, "a file name without a folder"),
        ({"item_image_name": "a\0.jpg"}, "a file name without a folder"),
        ({"item_image_name": "花" * 86}, "longer than a file name can be"),
        ({"title": 5}, "'title' should be a string, not 5"),
        ({"sku_pvs": {}}, "'sku_pvs' should be a string"),
    ],
)
def test_a_faulty_field_names_file_line_and_key(tmp_path: Path, change: dict[str, object], message: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("\n" + json.dumps({**LINE, **change}) + "\n")
    with pytest.raises(DataError, match=f"^{re.escape(str(file))}:2: .*{message}"):
        read_items(file)


def test_titles_are_those_of_the_items() -> None:
    items = [Item("1", "花瓶 红", {"a": ("b",)}, "", "1.jpg"), Item("2", "", {}, "", "2.jpg")]
    assert list(ItemCatalog(items).titles()) == [("1", "花瓶 红"), ("2", "")]
