"""The part of YAML that option files use, without YAML's traps: text to nodes, and how values are written.

Plain scalars follow the core schema of YAML 1.2, decimal numbers only: `2e-6` is a number; `yes`, `12:30`,
`1_000` and `2022-08-24` are text. Nodes are turned into values in options.yaml_values, so that the library
constructs no objects at all.
"""

import re
from collections.abc import Iterable

import yaml

DEEPEST_NESTING = 40
"""Levels of sections and lists; option files have about five."""

TAG = "tag:yaml.org,2002:"
_PLAIN_SCALARS = {
    "null": ("~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": ("true|false", ["t", "f"]),
    "int": ("[-+]?[0-9]+", list("-+0123456789")),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
"""Patterns by type, and the characters with which such a scalar begins; the first that fits counts."""


class YamlSyntaxError(Exception):
    """A fault that ends the reading of a text at once."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses what an option file does not need: anchors, aliases, tags, deep nesting."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the library's own class attribute, filled below)
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        line = line_of(event)
        tag = getattr(event, "tag", None)
        if getattr(event, "anchor", None) is not None:
            raise YamlSyntaxError(line, "anchors (&) and aliases (*) are refused; write the value out")
        if tag is not None:
            raise YamlSyntaxError(line, f"tags are refused; remove {tag!r}")
        if self.depth >= DEEPEST_NESTING:
            raise YamlSyntaxError(line, f"values are nested more than {DEEPEST_NESTING} levels deep")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class Dumper(yaml.SafeDumper):
    """Writes sections as blocks and lists of scalars on one line."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the library's own class attribute, filled below)

    def ignore_aliases(self, data: object) -> bool:
        """Write equal values out, each time."""
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Quote text that would read back as something else."""
        # The library's other styles do not bring all line breaks of Unicode back.
        return self.represent_scalar(TAG + "str", data, style=None if data.isprintable() else '"')

    def represent_sequence(
        self, tag: str, sequence: Iterable[object], flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        """Write a list of scalars on one line, and others as blocks."""
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = all(isinstance(item, yaml.ScalarNode) for item in node.value)
        return node


Dumper.add_representer(str, Dumper.represent_str)
for _type, (_pattern, _first_characters) in _PLAIN_SCALARS.items():
    for _class in (_Loader, Dumper):
        _class.add_implicit_resolver(TAG + _type, re.compile(rf"(?:{_pattern})\Z"), _first_characters)


def compose(text: str) -> yaml.Node | None:
    """Return the root node of the text's one document, None where it has none."""
    try:
        loader = _Loader(text)
        root: yaml.Node | None = loader.get_node() if loader.check_node() else None
        if loader.check_node():
            line = line_of(loader.peek_event())  # type: ignore[no-untyped-call]
            raise YamlSyntaxError(line, "a second YAML document begins; a file holds one")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlSyntaxError(line, f"the character {chr(error.character)!r} is refused") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlSyntaxError(mark.line + 1 if mark else 1, f"not valid YAML: {_explained(error)}") from None
    return root


def _explained(error: yaml.MarkedYAMLError) -> str:
    if error.problem and "'\\t'" in error.problem:
        return "a tab stands where spaces belong; indent with spaces"
    return ", ".join(part for part in (error.context, error.problem) if part)


def line_of(part: yaml.Node | yaml.Event) -> int:
    """Return the line of the text, from 1, on which a node or event begins."""
    mark = part.start_mark
    return mark.line + 1 if mark else 1
