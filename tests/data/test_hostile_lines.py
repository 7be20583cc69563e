"""Any bytes and any JSON as items and pairs: a right result, or one error that names file and line."""

import json
import re
import resource
import subprocess
import sys
import tracemalloc
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data.item import Item, clean_text, item_text, parse_attributes
from data.item_catalog import ItemCatalog, read_items
from data.item_pair import read_pairs
from data.jsonl import LONGEST_LINE, DataError, excerpt, read_records
from data.normal_form import LAST_MARK

SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
ANY_CHARACTER = st.characters(codec=None, categories=None)
NOTATION = st.sampled_from(list("#:;＃：；#:;,aＡ花 \u3000\u200b\u202e\0\x1b\ud83d😀\u0301\uff9e"))
TEXT = st.text(ANY_CHARACTER | NOTATION, max_size=30)
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ITEM_KEYS = ("item_id", "item_image_name", "title", "cate_name", "item_pvs", "sku_pvs")
GOOD_ITEM = {"item_id": "a", "item_image_name": "a.jpg"}
FIELD = TEXT | JSON_VALUE
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def assert_names_the_line(error: DataError, file: Path, line: int) -> None:
    message = str(error)
    assert message.startswith(f"{file}:{line}: ")
    assert len(message) < len(str(file)) + 1200
    assert not CONTROLS.search(message), "it could steer a terminal"


def slow_clean(text: str) -> str:
    return unicodedata.normalize("NFKC", "".join(character for character in text if character != "#").lower())


def slow_attributes(text: str) -> dict[str, list[str]]:
    """The notation, read character by character."""
    attributes: dict[str, list[str]] = {}
    name, value = "", None
    for character in slow_clean(text) + ";":
        if character == ";":
            if value and value not in attributes.setdefault(name, []):
                attributes[name].append(value)
            name, value = "", None
        elif character == ":" and value is None:
            value = ""
        elif value is None:
            name += character
        else:
            value += character
    return attributes


@given(item_pvs=st.text(NOTATION | ANY_CHARACTER, max_size=60), sku_pvs=st.text(NOTATION, max_size=30))
def test_any_attribute_string_is_read_as_a_slow_reader_reads_it(item_pvs: str, sku_pvs: str) -> None:
    # Joined after cleaning: no composition reaches over the separator.
    expected = slow_attributes(item_pvs + ";" + sku_pvs)
    assert {name: list(values) for name, values in parse_attributes(item_pvs, sku_pvs).items()} == expected


@given(
    attributes=st.dictionaries(
        st.sampled_from(["品牌", "型号", "尺码"]), st.lists(st.text(st.sampled_from("甲乙丙x1")), max_size=3)
    )
)
def test_written_attributes_read_back(attributes: dict[str, list[str]]) -> None:
    written = "".join(f"#{name}#:#{value}#;" for name, values in attributes.items() for value in values)
    expected = {name: tuple(dict.fromkeys(filter(None, values))) for name, values in attributes.items()}
    assert parse_attributes(written, "") == {name: values for name, values in expected.items() if values}


@given(title=TEXT, pvs=st.text(NOTATION, max_size=40), names=st.lists(st.text(NOTATION, max_size=3), max_size=4))
def test_the_text_of_any_item_is_its_cleaned_parts(title: str, pvs: str, names: list[str]) -> None:
    attributes = slow_attributes(pvs)
    values = [",".join(attributes.get(slow_clean(name), [])) for name in names]
    expected = ";".join(part for part in [slow_clean(title), *values] if part)
    assert item_text(Item("1", title, parse_attributes(pvs, ""), "", "1.jpg"), names) == expected


MARKS = st.text(
    st.sampled_from("\u0301\u0323\u0345\uff9e\u3099\u0344\u05b0\U0001d165\U0001e94a"), min_size=190, max_size=400
)


@given(start=TEXT, marks=MARKS, middle=TEXT, more=MARKS)
@settings(deadline=None, max_examples=40)
def test_long_runs_of_combining_marks_are_cleaned_to_the_same_text(
    start: str, marks: str, middle: str, more: str
) -> None:
    text = start + marks + middle + more
    assert clean_text(text) == slow_clean(text)


def test_no_combining_mark_is_beyond_the_last_one() -> None:
    beyond = (unicodedata.normalize("NFKD", chr(code)) for code in range(LAST_MARK + 1, 0x110000))
    assert not any(map(unicodedata.combining, "".join(beyond)))


@pytest.mark.parametrize("text", ["a" + "\u0301\u0323" * 500_000, "\uff9e\u0301" * 500_000, "花" * 2_000_000])
def test_megabytes_are_cleaned_within_seconds(text: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    clean_text(text)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 4


@SHARED_FOLDER
@given(record=st.fixed_dictionaries({}, optional=dict.fromkeys([*ITEM_KEYS, "other"], FIELD)))
@example(record={**GOOD_ITEM, "title": [[[1e400]]]})
def test_any_item_is_read_as_it_stands_or_refused_by_line(tmp_path: Path, record: dict[str, object]) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(json.dumps({**GOOD_ITEM, "item_id": "first"}) + "\n\n" + json.dumps(record) + "\n")
    is_good = all(isinstance(record.get(key), str | None) for key in ITEM_KEYS)
    try:
        items = read_items(file)
    except DataError as error:
        assert_names_the_line(error, file, 3)
        return
    assert is_good
    item = items[1]
    assert (item.item_id, item.image) == (record["item_id"], record["item_image_name"])
    assert not {"/", "\\", "\0"} & set(item.image)
    assert item.title == re.sub("[\ud800-\udfff]", "\ufffd", str(record.get("title") or ""))
    json.dumps([item.item_id, item.title, item.category], ensure_ascii=False).encode("utf-8")


@SHARED_FOLDER
@given(record=st.fixed_dictionaries({}, optional={"src_item_id": FIELD, "tgt_item_id": FIELD, "item_label": FIELD}))
def test_any_pair_is_read_as_it_stands_or_refused_by_line(tmp_path: Path, record: dict[str, object]) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(json.dumps({"src_item_id": "a", "tgt_item_id": "b", "item_label": "1"}) + "\n" + json.dumps(record))
    ids = [value for value in (record.get("src_item_id"), record.get("tgt_item_id")) if isinstance(value, str)]
    catalog = ItemCatalog([Item(item_id, "", {}, "", "x.jpg") for item_id in dict.fromkeys(["a", "b", *ids])])
    try:
        pairs = read_pairs(file, catalog)
    except DataError as error:
        assert_names_the_line(error, file, 2)
        return
    assert [catalog[pairs.source[1]].item_id, catalog[pairs.target[1]].item_id] == ids
    assert pairs.same is not None
    assert record["item_label"] in ("0", "1")
    assert pairs.same[1] == (record["item_label"] == "1")


@SHARED_FOLDER
@given(
    line=st.binary(max_size=60)
    | st.text(st.sampled_from('{}[]",:\\u0d8e1 \t\r\x0b\x1c花'), max_size=40).map(str.encode)
)
def test_any_bytes_are_a_record_or_refused_by_line(tmp_path: Path, line: bytes) -> None:
    line = line.replace(b"\n", b"")
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"{}\n" + line + b"\n{}\n")
    try:
        records = list(read_records(file))
    except DataError as error:
        assert_names_the_line(error, file, 2)
        return
    if line.strip():
        assert [number for number, _ in records] == [1, 2, 3]
        assert json.loads(line) == records[1][1]
    else:
        assert [number for number, _ in records] == [1, 3]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"item_id": "a", "item_id": "b"}', "states the key 'item_id' twice; keep one of them"),
        ('{"a": {"\\u0062": 1, "b": 1}}', "states the key 'b' twice"),
        ('{"\\ud83d": 1, "\\ud83d": 1}', r"states the key '\ud83d' twice"),
        ('{"a": ' + "1" * 1_000_000 + "}", "is not valid JSON: Exceeds the limit"),
        ('{"a": ' + "[" * 100_000, "is not valid JSON: maximum recursion depth"),
        ('{"a": ' * 100_000, "is not valid JSON: maximum recursion depth"),
    ],
)
def test_what_json_libraries_pass_over_or_choke_on_is_refused_by_line(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("{}\n" + line + "\n")
    with pytest.raises(DataError, match=re.escape(f"{file}:2: {message}")):
        list(read_records(file))


@pytest.mark.parametrize("depth", [100, 500, 800, 900, 950])
def test_a_value_that_is_nested_as_deep_as_it_can_be_read_is_refused_by_line(tmp_path: Path, depth: int) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(json.dumps(GOOD_ITEM)[:-1] + ', "title": ' + "[" * depth + "]" * depth + "}\n")
    with pytest.raises(DataError, match=f"^{re.escape(str(file))}:1: ") as caught:
        read_items(file)
    assert_names_the_line(caught.value, file, 1)


def test_an_excerpt_of_megabytes_takes_no_megabytes() -> None:
    value = [["花"] * 1_000_000]
    tracemalloc.start()
    assert len(excerpt(value)) == 83
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


@pytest.mark.parametrize("start", [b"", b"{}\n{}\n"])
def test_a_file_without_line_ends_is_refused_without_reading_it_whole(tmp_path: Path, start: bytes) -> None:
    file = tmp_path / "items.jsonl"
    with file.open("wb") as stream:
        stream.write(start + b'{"item_id": "')
        stream.truncate(2**30)
    program = f"""
from pathlib import Path
from data.jsonl import DataError, read_records
from tests.endurance.peak_memory import peak_bytes
before = peak_bytes()
try:
    list(read_records(Path({str(file)!r})))
except DataError as error:
    print(error)
print((peak_bytes() - before) // 2**20)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    message, megabytes = run.stdout.splitlines()
    line = start.count(b"\n") + 1
    assert message == f"{file}:{line}: is longer than {LONGEST_LINE:,} bytes; are its line ends missing?"
    assert int(megabytes) < 3 * LONGEST_LINE / 2**20


@pytest.mark.parametrize("item_id", ["../../etc/passwd", "C:\\x", "a/b", ".", "..", "/", "a\nb", "\x1b[2J", "\u202e"])
def test_ids_may_look_like_anything_since_they_never_name_a_file(tmp_path: Path, item_id: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(json.dumps({**GOOD_ITEM, "item_id": item_id}) + "\n")
    assert read_items(file)[0].item_id == item_id
    file.write_text((json.dumps({**GOOD_ITEM, "item_id": item_id}) + "\n") * 2)
    with pytest.raises(DataError) as caught:
        read_items(file)
    assert_names_the_line(caught.value, file, 2)


def test_a_name_of_a_file_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be read"):
        list(read_records(Path("a\0b")))
