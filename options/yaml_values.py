"""YAML text to plain values and back, without YAML's traps; the only file that knows the YAML library.

Plain scalars follow the core schema of YAML 1.2, decimal numbers only: `2e-6` is a number; `yes`, `12:30`,
`1_000` and `2022-08-24` are text. Text is composed into nodes, and the nodes are turned into values here, so
that the library constructs no objects at all.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import JsonValue

from options.errors import UserError
from options.fault import COMMAND_LINE, Fault, KeyPath, Place, shown

LARGEST_FILE = 100_000
"""Bytes; option files have a few thousand."""
DEEPEST_NESTING = 40
"""Levels of sections and lists; option files have about five."""

_TAG = "tag:yaml.org,2002:"
_PLAIN_SCALARS = (
    (_TAG + "null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    (_TAG + "bool", re.compile(r"(?:true|false)\Z"), ["t", "f"]),
    (_TAG + "int", re.compile(r"[-+]?[0-9]+\Z"), list("-+0123456789")),
    (
        _TAG + "float",
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        list("-+.0123456789"),
    ),
)


class _SyntaxFaultError(Exception):
    """A fault that ends the reading of a text at once."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class _ValueFaultError(Exception):
    """A scalar that is no plain value."""


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses what an option file does not need: anchors, aliases, tags, deep nesting."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the library's own class attribute, filled below)
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        line = _line(event)
        tag = getattr(event, "tag", None)
        if getattr(event, "anchor", None) is not None:
            raise _SyntaxFaultError(line, "anchors (&) and aliases (*) are refused; write the value out")
        if tag is not None:
            raise _SyntaxFaultError(line, f"tags are refused; remove {tag!r}")
        if self.depth >= DEEPEST_NESTING:
            raise _SyntaxFaultError(line, f"values are nested more than {DEEPEST_NESTING} levels deep")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Writes sections as blocks and lists of scalars on one line."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the library's own class attribute, filled below)

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        # The library's other styles do not bring all line breaks of Unicode back.
        return self.represent_scalar(_TAG + "str", data, style=None if data.isprintable() else '"')

    def represent_sequence(
        self, tag: str, sequence: Iterable[object], flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = all(isinstance(item, yaml.ScalarNode) for item in node.value)
        return node


_Dumper.add_representer(str, _Dumper.represent_str)
for _tag, _pattern, _first_characters in _PLAIN_SCALARS:
    _Loader.add_implicit_resolver(_tag, _pattern, _first_characters)
    _Dumper.add_implicit_resolver(_tag, _pattern, _first_characters)


@dataclass(slots=True)
class YamlMapping:
    """The values of a YAML text, where each stands, and what is wrong with single ones.

    A faulty value is None in `values`, and of two equal keys the first counts.
    """

    values: dict[str, JsonValue]
    lines: dict[KeyPath, int]
    faults: list[Fault]


@dataclass(slots=True)
class _Reading:
    """Turns nodes into values and notes lines and faults on the way."""

    source: str
    lines: dict[KeyPath, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def value(self, node: yaml.Node, path: KeyPath) -> JsonValue:
        self.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, position)) for position, item in enumerate(node.value)]
        try:
            return _scalar(node)
        except _ValueFaultError as error:
            self.refuse(node, path, str(error))
            return None

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, JsonValue]:
        values: dict[str, JsonValue] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node, path)
            if key is None:
                continue
            if key in values:
                lines = f"{self.lines[(*path, key)]} and {_line(key_node)}"
                self.refuse(key_node, (*path, key), f"the key stands twice, on lines {lines}; remove one")
                continue
            self.lines[(*path, key)] = _line(key_node)
            values[key] = self.value(value_node, (*path, key))
        return values

    def key(self, node: yaml.Node, path: KeyPath) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(node, path, "a key should be text, not a list or section")
            return None
        try:
            key = _scalar(node)
        except _ValueFaultError as error:
            self.refuse(node, path, f"a key {error}")
            return None
        if not isinstance(key, str):
            self.refuse(node, path, f'the key {node.value} should be text; write "{node.value}" in quotes')
            return None
        if key == "<<":
            self.refuse(node, path, "merge keys (<<) are refused; write the keys out")
            return None
        return key

    def refuse(self, node: yaml.Node, path: KeyPath, problem: str) -> None:
        self.faults.append(Fault(Place(self.source, _line(node)), path, problem))


def read_yaml_mapping(file: Path) -> YamlMapping:
    """Read a YAML file whose root is a mapping.

    Raises:
        UserError: where the file cannot be read, is not UTF-8, is too large or empty, or is no plain YAML
            mapping; names the file and line.
    """
    text = _read_text(file)
    try:
        node = _compose(text)
    except _SyntaxFaultError as error:
        raise UserError(f"{file}:{error.line}: {error.problem}") from None
    if node is None:
        raise UserError(f"{file}: the file is empty")
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{file}:{_line(node)}: the file should hold `key: value` lines, not a single value or list")
    reading = _Reading(str(file))
    values = reading.mapping(node, ())
    return YamlMapping(values, reading.lines, reading.faults)


def parse_yaml_value(text: str) -> JsonValue:
    """Return the value of a short YAML text, such as one from the command line.

    Raises:
        UserError: where the text is not one plain YAML value.
    """
    try:
        node = _compose(text)
    except _SyntaxFaultError as error:
        raise UserError(f"{error.problem} in {shown(text)}") from None
    if node is None:
        return None
    reading = _Reading(COMMAND_LINE.source)
    value = reading.value(node, ())
    if reading.faults:
        raise UserError("; ".join(fault.problem for fault in reading.faults))
    return value


def to_yaml(values: Mapping[str, JsonValue]) -> str:
    """Return the values as YAML text that reads back to equal values, in their order, Chinese as it is."""
    text: str = yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file") from None
    except IsADirectoryError:
        raise UserError(f"{file}: this is a folder, not an option file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{file}: the file cannot be read: {reason}") from error
    if len(content) > LARGEST_FILE:
        raise UserError(f"{file}: the file is larger than {LARGEST_FILE:,} bytes; is it an option file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{file}:{line}: the file is not UTF-8 text; save it as UTF-8") from None


def _compose(text: str) -> yaml.Node | None:
    """Return the root node of the text's one document, None where it has none."""
    try:
        loader = _Loader(text)
        root: yaml.Node | None = loader.get_node() if loader.check_node() else None
        if loader.check_node():
            line = _line(loader.peek_event())  # type: ignore[no-untyped-call]
            raise _SyntaxFaultError(line, "a second YAML document begins; a file holds one")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _SyntaxFaultError(line, f"the character {chr(error.character)!r} is refused") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _SyntaxFaultError(mark.line + 1 if mark else 1, f"not valid YAML: {_explained(error)}") from None
    return root


def _explained(error: yaml.MarkedYAMLError) -> str:
    if error.problem and "'\\t'" in error.problem:
        return "a tab stands where spaces belong; indent with spaces"
    return ", ".join(part for part in (error.context, error.problem) if part)


def _scalar(node: yaml.Node) -> JsonValue:
    text: str = node.value
    match node.tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int":
            if len(text) > 18:
                raise _ValueFaultError(f"should be a number of at most 17 digits, not {shown(text)}")
            return int(text)
        case "float":
            # float() knows "inf" and "nan" without YAML's dot.
            number = float(text.replace(".", "") if text[-1].isalpha() else text)
            if not math.isfinite(number):
                raise _ValueFaultError(f"should be a finite number, not {text}")
            return number
        case _:
            if re.search("[\0\ud800-\udfff]", text):
                raise _ValueFaultError(f"should be text without NUL and half characters, not {text!a}")
            return text


def _line(part: yaml.Node | yaml.Event) -> int:
    """Return the line of the text, from 1, on which a node or event begins."""
    mark = part.start_mark
    return mark.line + 1 if mark else 1
