"""Every option with its type, default and meaning: for the reader's page and for the search of near keys."""

from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import NamedTuple

from pydantic import JsonValue

from options.base import Options
from options.fault import shown
from options.schema import OptionField, Shape


class OptionDescription(NamedTuple):
    """One option."""

    path: str
    """Dotted path from the root of the file."""
    type: str
    """What the value may be, in plain words."""
    default: str
    """The default as YAML, or "required"."""
    meaning: str
    variant: str
    """The choice under which the option exists, such as "name: contrastive"; empty where it always does."""


class SectionDescription(NamedTuple):
    """One section, or one variant of it."""

    path: str
    """Dotted path; empty for the root."""
    variant: str
    """The choice that makes this variant, such as "name: contrastive"; empty where there is none."""
    meaning: str
    options: list[OptionDescription]


@cache
def describe(options_type: type[Options]) -> list[OptionDescription]:
    """Describe every option, nested ones and those of all variants too, in the order of the sections."""
    return [option for section in describe_sections(options_type) for option in section.options]


def describe_sections(options_type: type[Options]) -> list[SectionDescription]:
    """Describe every section, each before those nested in it."""
    # A section nested in what several variants share is met once in each.
    sections: dict[tuple[str, str], SectionDescription] = {}
    for section in _sections(Shape.of(options_type)):
        sections.setdefault((section.path, section.variant), section)
    return list(sections.values())


def reference_markdown(options_type: type[Options]) -> str:
    """Return the reference page: a table a section, and a table a variant where a name chooses."""
    parts = [
        "# Options",
        "Every key of an option file. On the command line, `section.key=value` overrides the file. "
        "A file with `base: FILE`, a path relative to it, says only what differs from that file: sections are "
        "merged, all else is replaced, and so is a section of another name where the name chooses the keys. "
        "This page is written by `bash run.sh options reference` from the options classes.",
    ]
    headed: set[str] = set()
    for content, alike in groupby(describe_sections(options_type), key=_content):
        sections = list(alike)
        paths = ", ".join(section.path for section in sections)
        if paths and paths not in headed:
            parts.append(f"## {paths}")
        headed.add(paths)
        if sections[0].variant:
            parts.append(f"### {paths} with `{sections[0].variant}`")
        parts += content
    return "\n\n".join(part for part in parts if part) + "\n"


def _sections(shape: Shape, path: str = "") -> Iterator[SectionDescription]:
    variants = {f"{shape.discriminator}: {tag}": chosen for tag, chosen in shape.variants.items()} or {"": shape}
    for variant, chosen in variants.items():
        options = [
            OptionDescription(_below(path, key), field.shape.words(), _default(field), field.meaning, variant)
            for key, field in chosen.fields.items()
        ]
        if options:
            yield SectionDescription(path, variant, chosen.meaning, options)
    for chosen in variants.values():
        for key, field in chosen.fields.items():
            yield from _sections(field.shape, _below(path, key))


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _default(field: OptionField) -> str:
    if field.required:
        return "required"
    if isinstance(field.default, dict) and field.shape.variants:
        name = field.shape.discriminator
        return f"{name}: {field.default[name]}"
    return "its own defaults" if field.default is not None and field.shape.fields else _yaml(field.default)


def _yaml(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    return shown(value)


def _content(section: SectionDescription) -> list[str]:
    return [section.meaning, _table(section.options)]


def _table(options: list[OptionDescription]) -> str:
    rows = [
        f"| `{option.path.rpartition('.')[2]}` | {_cell(option.type.removeprefix('a '))} "
        f"| {_default_cell(option.default)} | {_cell(option.meaning)} |"
        for option in options
    ]
    return "\n".join(["| Option | Type | Default | Meaning |", "|---|---|---|---|", *rows])


def _default_cell(default: str) -> str:
    return default if default in ("required", "its own defaults") else f"`{default}`".replace("|", r"\|")


def _cell(text: str) -> str:
    return text.replace("\\", r"\\").replace("|", r"\|").replace("<", "&lt;").replace("*", r"\*")
