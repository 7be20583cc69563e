import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from options.errors import UserError
from options.yaml_values import LARGEST_FILE, parse_yaml_value, read_yaml_mapping, to_yaml

WriteFile = Callable[[str], Path]

TRAPS = [
    *[
        "2e-6",
        "1.",
        ".5",
        "010",
        "0x1F",
        "1_000",
        "12:30",
        "2022-08-24",
        ".inf",
        "yes",
        "on",
        "true",
        "null",
        "~",
        "",
    ],
    *["<<", "=", "- a", "a: b", "#品牌#", "颜色 分类 " * 20, "&a", "*a", "!!str a", "a\nb\n", "|", "\t"],
]
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.text(CHARACTERS, max_size=30) | st.sampled_from(TRAPS)
NUMBER = st.integers(-(10**16), 10**16) | st.floats(allow_nan=False, allow_infinity=False)
SCALAR = st.none() | st.booleans() | NUMBER | TEXT
VALUE: st.SearchStrategy[JsonValue] = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT.filter(lambda key: key != "<<"), inner),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2e-6", 2e-6),
        ("1.0e-7", 1e-7),
        ("1E5", 1e5),
        ("-.5", -0.5),
        ("3.", 3.0),
        ("+7", 7),
        ("010", 10),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("2022-08-24", "2022-08-24"),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("yes", "yes"),
        ("off", "off"),
        ("null", None),
        ("~", None),
        ("", None),
        ("'2e-6'", "2e-6"),
        ('"true"', "true"),
        ("[1, a, {b: 2.5}]", [1, "a", {"b": 2.5}]),
        ("颜色分类", "颜色分类"),
    ],
)
def test_scalars_are_what_they_look_like(text: str, expected: JsonValue) -> None:
    value = parse_yaml_value(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("!!python/object/apply:os.system [ls]", "tags are refused"),
        ("!!str 5", "tags are refused"),
        ("! 5", "tags are refused"),
        ("&a 5", "anchors"),
        ("[&a 5, *a]", "anchors"),
        ("*a", "anchors"),
        (".inf", "finite"),
        ("-.Inf", "finite"),
        (".nan", "finite"),
        ("1e400", "finite"),
        ("9" * 5000, "digits"),
        ('"\\ud800"', "half characters"),
        ('"a\\0"', "NUL"),
        ("{<<: {a: 1}}", "merge keys"),
        ("{a: 1, a: 2}", "stands twice"),
        ("{1: a}", "in quotes"),
        ("{true: a}", "in quotes"),
        ("{[a]: b}", "a key should be text"),
        ("{.nan: b}", "a key should be a finite number"),
        ("[1", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("!<!b> c", "tags are refused"),
        ("\x07", "the character"),
        ("--- a\n--- b", "a second YAML document"),
        ("[" * 100_000, "nested more than"),
        ("{a: " * 100_000, "nested more than"),
    ],
)
def test_traps_are_refused(text: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        parse_yaml_value(text)


def test_every_value_has_a_line(option_file: WriteFile) -> None:
    document = read_yaml_mapping(option_file("# 注释\nname: demo\ntrain:\n  periods: [1,\n    2]\n  steps: 5\n"))
    assert document.values == {"name": "demo", "train": {"periods": [1, 2], "steps": 5}}
    assert {path: place.line for path, place in document.places.items()} == {
        (): None,
        ("name",): 2,
        ("train",): 3,
        ("train", "periods"): 4,
        ("train", "periods", 0): 4,
        ("train", "periods", 1): 5,
        ("train", "steps"): 6,
    }
    assert document.faults == []


def test_equal_keys_name_both_lines(option_file: WriteFile) -> None:
    file = option_file("a:\n  b: 1\n  c: 2\n  b: 3\n")
    (fault,) = read_yaml_mapping(file).faults
    assert str(fault) == f"{file}:4: a.b: the key stands twice, on lines 2 and 4; remove one"


def test_all_faults_of_single_values_are_reported(option_file: WriteFile) -> None:
    document = read_yaml_mapping(option_file("a: .nan\n1: x\nb: {c: 1, c: 2}\n"))
    assert [fault.place.line for fault in document.faults] == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "demo.yml: the file is empty"),
        (b"# nothing\n", "demo.yml: the file is empty"),
        (b"- a\n- b\n", "demo.yml:1: the file should hold"),
        (b"\n\n5\n", "demo.yml:3: the file should hold"),
        ("name: 品牌\nb: 货号\n".encode("gb18030"), "demo.yml:1: the file is not UTF-8"),
        ("name: a\nb: 货号\n".encode("gb18030"), "demo.yml:2: the file is not UTF-8"),
        ("name: a".encode("utf-16"), "demo.yml:1: the file is not UTF-8"),
        (b"a: 1\n---\nb: 2\n", "demo.yml:2: a second YAML document"),
        (b"a: &x 1\nb: *x\n", "demo.yml:1: anchors"),
        (b"a: 1\nb: !!python/name:os.system\n", "demo.yml:2: tags"),
        (b"a: 1\nb:\n\tc: 1\n", "demo.yml:3: not valid YAML: a tab"),
        (b"a: 1\nb: \x00\n", "demo.yml:2: the character"),
        (b"a: [1\n", "demo.yml:2: not valid YAML"),
        (b"a" * (LARGEST_FILE + 1), "demo.yml: the file is larger than"),
    ],
)
def test_unusable_files_are_named_with_the_line(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "demo.yml"
    file.write_bytes(content)
    with pytest.raises(UserError) as error_info:
        read_yaml_mapping(file)
    assert str(error_info.value).startswith(f"{tmp_path}/{message}")


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.yml: there is no such file"):
        read_yaml_mapping(tmp_path / "absent.yml")
    with pytest.raises(UserError, match="this is a folder"):
        read_yaml_mapping(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        read_yaml_mapping(Path("a\0b"))


def test_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "demo.yml"
    file.write_bytes("\ufeffa: 1\r\nb: 品牌\r\n".encode())
    assert read_yaml_mapping(file).values == {"a": 1, "b": "品牌"}


def test_billion_laughs_is_refused_at_its_first_anchor(option_file: WriteFile) -> None:
    levels = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    with pytest.raises(UserError, match=":1: anchors"):
        read_yaml_mapping(option_file("a0: &a0 [x]\n" + levels))


def test_written_yaml_is_pleasant_to_read() -> None:
    values: dict[str, JsonValue] = {
        "名称": "品牌",
        "b": [1, 2.5],
        "a": {"lr": 2e-6, "empty": {}, "text": "2e-6"},
    }
    expected = "名称: 品牌\nb: [1, 2.5]\na:\n  lr: 2.0e-06\n  empty: {}\n  text: '2e-6'\n"
    assert to_yaml(values) == expected


@given(value=VALUE)
def test_written_yaml_reads_back_to_equal_values(value: JsonValue) -> None:
    assert repr(parse_yaml_value(to_yaml({"key": value}))) == repr({"key": value})


@given(text=st.text(alphabet=st.sampled_from(list("ab:-[]{}&*!<>|#'\"\\ \n\t?0.1e%@`,~=")), max_size=40))
def test_any_text_gives_a_value_or_a_user_error(text: str) -> None:
    with contextlib.suppress(UserError):
        parse_yaml_value(text)
