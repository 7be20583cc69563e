"""Every way to get a single key of a YAML text wrong, made from the text itself."""

from collections.abc import Iterator
from typing import NamedTuple

import yaml

WRONG_VALUES = (
    "text", "3", "2.5", "true", "null", "'7'", "[1, a]", "{a: 1}", "[[[]]]", "{name: {name: a}}", "''", "[]",
    "-1", "0", "-0.5", "1e308", ".nan", ".inf", "-.inf", "99999999999999999999", "9007199254740993",
)  # fmt: skip
"""Wrong types and extreme numbers, as YAML; some are right for some keys."""


class Mutation(NamedTuple):
    """A YAML text with one key changed."""

    kind: str
    """misspelt, removed, doubled, tab, or value"""
    path: tuple[str, ...]
    line: int
    """On which the key stands, from 1."""
    text: str
    change: str
    """The misspelt key or the new value."""


class _Entry(NamedTuple):
    path: tuple[str, ...]
    key: yaml.ScalarNode
    value: yaml.Node
    start: int
    end: int
    """Of the whole entry in the text, with what parts it from the next."""


def mutations(text: str) -> Iterator[Mutation]:
    """Yield every mutation of every key of a YAML text."""
    for entry in _entries(yaml.compose(text, yaml.SafeLoader), (), text):
        line = entry.key.start_mark.line + 1
        for key in _misspellings(entry.path[-1]):
            changed = text[: entry.key.start_mark.index] + key + text[entry.key.end_mark.index :]
            yield Mutation("misspelt", entry.path, line, changed, key)
        yield Mutation("removed", entry.path, line, text[: entry.start] + text[entry.end :], "")
        whole = text[entry.start : entry.end]
        joint = "" if whole.rstrip(" ").endswith(("\n", ",")) else ", "
        yield Mutation("doubled", entry.path, line, text[: entry.start] + whole + joint + text[entry.start :], "")
        key_start = entry.key.start_mark.index
        margin = text[entry.start : key_start]
        if margin:
            yield Mutation("tab", entry.path, line, text[: entry.start] + "\t" + text[key_start:], "")
        for value in WRONG_VALUES:
            yield Mutation("value", entry.path, line, _with_value(text, entry.value, value), value)


def _entries(node: yaml.Node, path: tuple[str, ...], text: str) -> Iterator[_Entry]:
    if not isinstance(node, yaml.MappingNode):
        return
    for place, (key, value) in enumerate(node.value):
        is_last = place == len(node.value) - 1
        start = key.start_mark.index
        end = node.value[place + 1][0].start_mark.index if not is_last else _end(value, text)
        if not node.flow_style:
            start = text.rfind("\n", 0, start) + 1
            if not text[:end].endswith("\n"):
                end = 1 + (text.find("\n", end) if is_last else text.rfind("\n", 0, end))
        yield _Entry((*path, key.value), key, value, start, end)
        yield from _entries(value, (*path, key.value), text)


def _misspellings(key: str) -> list[str]:
    changed = key[:-1] + ("x" if key[-1] != "x" else "y")
    dropped = key[: len(key) // 2] + key[len(key) // 2 + 1 :]
    swapped = key[1::-1] + key[2:]
    return [word for word in dict.fromkeys((changed, dropped, swapped)) if word not in ("", key)]


def _with_value(text: str, node: yaml.Node, value: str) -> str:
    return text[: node.start_mark.index] + value + ("\n" if _is_block(node) else "") + text[_end(node, text) :]


def _end(node: yaml.Node, text: str) -> int:
    """Return where a value ends: the library lets a block end where the next key begins."""
    end: int = node.end_mark.index
    return text.rfind("\n", 0, end) + 1 if _is_block(node) else end


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style
