"""What a value in an option file may be: a reading view of the JSON Schema of an options class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from pydantic import JsonValue
from pydantic.json_schema import JsonSchemaValue

from options.base import Options

_NOUNS = {
    "string": ("text", "texts"),
    "path": ("a path", "paths"),
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "boolean": ("true or false", "values"),
    "object": ("a mapping", "values"),
}
"""What a schema's format or type is called, one and several of it."""
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "greater than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "of the form {}",
}


class OptionField(NamedTuple):
    """One key of a section."""

    shape: Shape
    required: bool
    default: JsonValue
    """None where the key is required."""
    meaning: str


@dataclass(frozen=True)
class Shape:
    """What one value may be: a section, one of several, a plain union, a list, a mapping or a scalar."""

    schema: JsonSchemaValue
    nullable: bool
    definitions: JsonSchemaValue

    @staticmethod
    @cache
    def of(options_type: type[Options]) -> Shape:
        """Return the shape of a whole section."""
        schema = options_type.model_json_schema()
        return _shape(schema, schema.get("$defs", {}))

    @cached_property
    def fields(self) -> dict[str, OptionField]:
        """The keys of a section, in order; empty for all else."""
        required = self.schema.get("required", [])
        fields = {}
        for name, schema in self.schema.get("properties", {}).items():
            shape = _shape(schema, self.definitions)
            # The schema leaves out a field's meaning where it equals that of its section.
            meaning = _meaning(schema) or shape.meaning
            fields[name] = OptionField(shape, name in required, schema.get("default"), meaning)
        return fields

    @property
    def discriminator(self) -> str:
        """The key by whose value a section is chosen, where there are `variants`."""
        name: str = self.schema["discriminator"]["propertyName"]
        return name

    @cached_property
    def variants(self) -> dict[str, Shape]:
        """The sections that the discriminator chooses from; empty for all else."""
        mapping = self.schema.get("discriminator", {}).get("mapping", {})
        declared = [schema["$ref"] for schema in self.schema["oneOf"]] if mapping else []
        tags = sorted(mapping, key=lambda tag: declared.index(mapping[tag]))
        return {tag: _shape({"$ref": mapping[tag]}, self.definitions) for tag in tags}

    def chosen(self, *layers: Mapping[str, JsonValue]) -> Shape:
        """Return the variant that the first of the layers with a known name chooses; itself where there is none."""
        names = [layer.get(self.discriminator) for layer in layers] if self.variants else []
        return next((self.variants[name] for name in names if isinstance(name, str) and name in self.variants), self)

    def differ(self, section: Mapping[str, JsonValue], other: Mapping[str, JsonValue]) -> bool:
        """Return whether the first section names another variant than the other one."""
        key = self.discriminator if self.variants else ""
        return bool(key) and key in section and section[key] != other.get(key)

    def child(self, part: str | int) -> Shape | None:
        """Return the shape of a section's or mapping's key or a list's item, None where it has none."""
        if isinstance(part, str):
            schema = self.schema.get("properties", {}).get(part, self.schema.get("additionalProperties"))
        else:
            prefix = self.schema.get("prefixItems", [])
            schema = prefix[part] if part < len(prefix) else self.schema.get("items")
        return _shape(schema, self.definitions) if isinstance(schema, dict) else None

    @cached_property
    def members(self) -> list[Shape]:
        """The alternatives of a plain union; empty for all else."""
        return [_shape(schema, self.definitions) for schema in self.schema.get("anyOf", [])]

    @property
    def meaning(self) -> str:
        """What a section is for."""
        return _meaning(self.schema)

    def holds(self, value: JsonValue) -> bool:
        """Return whether the value is a section, mapping or list and this shape is one too."""
        if isinstance(value, dict):
            return bool(self.variants) or self.schema.get("type") == "object"
        return isinstance(value, list) and self.schema.get("type") == "array"

    def words(self) -> str:
        """Return what the value may be, in plain words."""
        words = self._words()
        if not self.nullable:
            return words
        return f"{words}, or null" if " or " in words else f"{words} or null"

    def _words(self) -> str:
        if self.members:
            return either([member.words() for member in self.members])
        if self.variants:
            return f"a section with {self.discriminator} {either(list(self.variants))}"
        if self.fields:
            return "a section"
        match self.schema:
            case {"const": constant}:
                return str(constant)
            case {"enum": constants}:
                return either([str(constant) for constant in constants])
            case {"type": "array"}:
                return self._list_words()
        bounds = self._bounds()
        return f"{self._noun()} ({bounds})" if bounds else self._noun()

    def _list_words(self) -> str:
        first = self.child(0)
        if first is None:
            return "a list"
        prefix, smallest = self.schema.get("prefixItems"), self.schema.get("minItems")
        count = f"{len(prefix)} " if prefix else f"{smallest} or more " if smallest else ""
        bounds = first._bounds()
        return f"a list of {count}{first._noun(plural=True)}" + (f" (each {bounds})" if bounds else "")

    def _noun(self, plural: bool = False) -> str:
        name = str(self.schema.get("format", self.schema.get("type")))
        return _NOUNS.get(name, ("any value", "values"))[plural]

    def _bounds(self) -> str:
        return " and ".join(words.format(self.schema[key]) for key, words in _BOUNDS.items() if key in self.schema)


def either(words: Sequence[str]) -> str:
    """Return the words as "a, b or c"."""
    return " or ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _shape(schema: JsonSchemaValue, definitions: JsonSchemaValue) -> Shape:
    target = _resolved(schema, definitions)
    alternatives = [_resolved(alternative, definitions) for alternative in target.get("anyOf", [target])]
    kept = [alternative for alternative in alternatives if alternative.get("type") != "null"]
    only = kept[0] if len(kept) == 1 else {"anyOf": kept}
    return Shape(only, len(kept) < len(alternatives), definitions)


def _meaning(schema: JsonSchemaValue) -> str:
    return " ".join(schema.get("description", "").split())


def _resolved(schema: JsonSchemaValue, definitions: JsonSchemaValue) -> JsonSchemaValue:
    """Return what the schema refers to, itself where it refers to nothing."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    resolved: JsonSchemaValue = definitions[reference.rpartition("/")[2]]
    return resolved
