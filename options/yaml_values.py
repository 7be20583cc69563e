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


@dataclass(slots=True)
class PlacedValues:
    """The values of option files, where each was written, and what is wrong with single ones.

    A faulty value is None in `values`, and of two equal keys the first counts.
    """

    values: dict[str, JsonValue]
    places: dict[KeyPath, Place]
    """Holds at least the root, the empty path."""
    faults: list[Fault] = field(default_factory=list)

    def place_of(self, path: KeyPath) -> Place:
        """Return the place of the value at the path, or of the innermost section around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def read(self, node: yaml.Node, path: KeyPath) -> JsonValue:
        """Return the value of a node; note the places in it and its faults."""
        self.places.setdefault(path, self._place(node))
        if isinstance(node, yaml.MappingNode):
            return self.read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, position)) for position, item in enumerate(node.value)]
        try:
            return _scalar(node)
        except UserError as error:
            self.faults.append(Fault(self._place(node), path, str(error)))
            return None

    def read_mapping(self, node: yaml.MappingNode, path: KeyPath = ()) -> dict[str, JsonValue]:
        """Return the values of a section; note the places in it and its faults."""
        values: dict[str, JsonValue] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node)
            try:
                key = _key(key_node)
            except UserError as error:
                self.faults.append(Fault(place, path, str(error)))
                continue
            inner = (*path, key)
            if key in values:
                lines = f"{self.places[inner].line} and {place.line}"
                self.faults.append(Fault(place, inner, f"the key stands twice, on lines {lines}; remove one"))
                continue
            self.places[inner] = place
            values[key] = self.read(value_node, inner)
        return values

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.places[()].source, line_of(node))


def read_yaml_mapping(file: Path) -> PlacedValues:
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
    placed = PlacedValues({}, {(): Place(str(file))})
    placed.values = placed.read_mapping(node)
    return placed


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
    placed = PlacedValues({}, {(): COMMAND_LINE})
    value = placed.read(node, ())
    if placed.faults:
        raise UserError("; ".join(fault.problem for fault in placed.faults))
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


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise UserError("a key should be text, not a list or section")
    try:
        key = _scalar(node)
    except UserError as error:
        raise UserError(f"a key {error}") from None
    if not isinstance(key, str):
        raise UserError(f'the key {node.value} should be text; write "{node.value}" in quotes')
    if key == "<<":
        raise UserError("merge keys (<<) are refused; write the keys out")
    return key


def _scalar(node: yaml.Node) -> JsonValue:
    text: str = node.value
    match node.tag.removeprefix(TAG):
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int":
            if len(text) > 18:
                raise UserError(f"should be a number of at most 17 digits, not {shown(text)}")
            return int(text)
        case "float":
            # float() knows "inf" and "nan" without YAML's dot.
            number = float(text.replace(".", "") if text[-1].isalpha() else text)
            if not math.isfinite(number):
                raise UserError(f"should be a finite number, not {text}")
            return number
        case _:
            if re.search("[\0\ud800-\udfff]", text):
                raise UserError(f"should be text without NUL and half characters, not {text!a}")
            return text
