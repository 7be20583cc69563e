"""YAML text to plain values, with the line of each and with what is wrong, and back."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import JsonValue

from options.errors import UserError
from options.fault import COMMAND_LINE, Fault, KeyPath, Place, shown
from options.yaml_dialect import TAG, Dumper, YamlSyntaxError, compose, line_of

LARGEST_FILE = 100_000
"""Bytes; option files have a few thousand."""


class _ValueFaultError(Exception):
    """A scalar that is no plain value."""


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
        self.lines.setdefault(path, line_of(node))
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
                lines = f"{self.lines[(*path, key)]} and {line_of(key_node)}"
                self.refuse(key_node, (*path, key), f"the key stands twice, on lines {lines}; remove one")
                continue
            self.lines[(*path, key)] = line_of(key_node)
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
        self.faults.append(Fault(Place(self.source, line_of(node)), path, problem))


def read_yaml_mapping(file: Path) -> YamlMapping:
    """Read a YAML file whose root is a mapping.

    Raises:
        UserError: where the file cannot be read, is not UTF-8, is too large or empty, or is no plain YAML
            mapping; names the file and line.
    """
    text = _read_text(file)
    try:
        node = compose(text)
    except YamlSyntaxError as error:
        raise UserError(f"{file}:{error.line}: {error.problem}") from None
    if node is None:
        raise UserError(f"{file}: the file is empty")
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{file}:{line_of(node)}: the file should hold `key: value` lines, not a single value or list")
    reading = _Reading(str(file))
    values = reading.mapping(node, ())
    return YamlMapping(values, reading.lines, reading.faults)


def parse_yaml_value(text: str) -> JsonValue:
    """Return the value of a short YAML text, such as one from the command line.

    Raises:
        UserError: where the text is not one plain YAML value.
    """
    try:
        node = compose(text)
    except YamlSyntaxError as error:
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
    text: str = yaml.dump(dict(values), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)
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


def _scalar(node: yaml.Node) -> JsonValue:
    text: str = node.value
    match node.tag.removeprefix(TAG):
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
