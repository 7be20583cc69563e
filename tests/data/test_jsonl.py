import re
from pathlib import Path

import pytest

from data.jsonl import DataError, excerpt, id_field, read_records, read_records_or_faults, text_field

FILE = Path("items.jsonl")


def written(folder: Path, content: bytes) -> Path:
    file = folder / "items.jsonl"
    file.write_bytes(content)
    return file


def test_every_object_comes_with_its_line_number_and_blank_lines_count(tmp_path: Path) -> None:
    file = written(tmp_path, b'{"a": 1}\n\n  \n{"b": 2}\n')
    assert list(read_records(file)) == [(1, {"a": 1}), (4, {"b": 2})]


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}\n{"a": 2}',
        b'{"a": 1}\r\n{"a": 2}\r\n',
        b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n',
        b'\xef\xbb\xbf\r\n{"a": 1}\n{"a": 2}\n',
    ],
    ids=["no final line end", "line ends of Windows", "byte order mark", "byte order mark on a blank line"],
)
def test_other_ways_of_saving_text_read_alike(tmp_path: Path, content: bytes) -> None:
    assert [record for _, record in read_records(written(tmp_path, content))] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": 1', "is not valid JSON: Expecting ',' delimiter at character"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not valid JSON: Exceeds the limit"),
        (b"[" * 100_000, "is not valid JSON: maximum recursion depth"),
        (b'"text"', "should be a JSON object, {...}"),
        (b"null", "should be a JSON object, {...}"),
        ('{"a": "花"}'.encode("gbk"), "is not UTF-8 text"),
        (b"\xef\xbb\xbf{}", "is not valid JSON"),
    ],
)
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    file = written(tmp_path, b"{}\n" + line + b"\n")
    with pytest.raises(DataError, match=re.escape(f"{file}:2: ") + ".*" + re.escape(message)):
        list(read_records(file))


def test_a_reader_that_goes_on_gets_the_fault_of_a_line_in_its_place(tmp_path: Path) -> None:
    file = written(tmp_path, b'{"a": 1}\n{"a": NaN}\n\n{"b": 2}\n[1]')
    first, second, third, fourth = read_records_or_faults(file)
    assert (first, third) == ((1, {"a": 1}), (4, {"b": 2}))
    for (number, fault), line in ((second, 2), (fourth, 5)):
        assert isinstance(fault, DataError)
        assert number == fault.line == line
        assert str(fault) == f"{file}:{line}: {fault.reason}"


def test_a_very_long_line_is_read(tmp_path: Path) -> None:
    title = "花" * 1_000_000
    assert list(read_records(written(tmp_path, f'{{"title": "{title}"}}'.encode()))) == [(1, {"title": title})]


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    with pytest.raises(DataError, match=f"^{re.escape(str(file))}: cannot be read: "):
        list(read_records(file))


@pytest.mark.parametrize("record", [{}, {"title": None}, {"title": ""}])
def test_absent_null_and_empty_text_are_empty(record: dict[str, object]) -> None:
    assert text_field(FILE, 1, record, "title") == ""


@pytest.mark.parametrize(("value", "shown"), [(5, "5"), (True, "true"), (["a"], '["a"]'), ({"花": 1}, '{"花": 1}')])
def test_text_of_another_type_is_refused(value: object, shown: str) -> None:
    with pytest.raises(DataError, match=re.escape(f"items.jsonl:3: 'title' should be a string, not {shown}")):
        text_field(FILE, 3, {"title": value}, "title")


def test_half_a_character_of_a_text_is_replaced_and_a_whole_one_is_kept() -> None:
    assert text_field(FILE, 1, {"title": "花\ud83d 😀"}, "title") == "花\ufffd 😀"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "has no 'item_id'"),
        ({"item_id": None}, "has no 'item_id'"),
        ({"item_id": ""}, "'item_id' is empty"),
        ({"item_id": 12}, "'item_id' should be a string, not 12"),
        ({"item_id": "a\ud83d"}, "'item_id' has half a character"),
    ],
)
def test_an_id_must_be_whole(record: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=f"items.jsonl:7: {message}"):
        id_field(FILE, 7, record, "item_id")


def test_an_excerpt_is_short_and_can_be_printed() -> None:
    shown = excerpt(["\ud83d" * 1000])
    assert len(shown) == 83
    assert shown.encode("utf-8").endswith(b"...")
