from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, JsonValue

from options.base import Options
from options.schema import Shape, either


class Red(Options):
    """Red."""

    name: Literal["red"]


class Blue(Options):
    """Blue."""

    name: Literal["blue"]


Colour = Annotated[Red | Blue, Field(discriminator="name")]
Positive = Annotated[float, Field(gt=0)]


class Everything(Options):
    """All types."""

    text: str
    path: Path | None
    whole: int = Field(ge=1, lt=5)
    number: float
    flag: bool
    choice: Literal["a", "b", "c"]
    union: float | Literal["auto"] | None
    pair: tuple[Positive, Positive]
    many: tuple[int, ...]
    some: tuple[str, ...] = Field(min_length=1)
    mapping: dict[str, JsonValue]
    section: Red
    colour: Colour | None = None
    anything: JsonValue = None


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("text", "text"),
        ("path", "a path or null"),
        ("whole", "a whole number (at least 1 and less than 5)"),
        ("number", "a number"),
        ("flag", "true or false"),
        ("choice", "a, b or c"),
        ("union", "a number or auto, or null"),
        ("pair", "a list of 2 numbers (each greater than 0)"),
        ("many", "a list of whole numbers"),
        ("some", "a list of 1 or more texts"),
        ("mapping", "a mapping"),
        ("section", "a section"),
        ("colour", "a section with name red or blue, or null"),
        ("anything", "any value"),
    ],
)
def test_types_are_told_in_plain_words(key: str, words: str) -> None:
    assert Shape.of(Everything).fields[key].shape.words() == words


def test_sections_know_their_keys_and_variants() -> None:
    shape = Shape.of(Everything)
    assert list(shape.fields) == list(Everything.model_fields)
    colour = shape.fields["colour"].shape
    assert list(colour.variants) == ["red", "blue"]
    assert colour.discriminator == "name"
    assert colour.variants["blue"].meaning == "Blue."
    assert shape.fields["text"].required
    assert not shape.fields["colour"].required


def test_children_are_found_by_key_and_position() -> None:
    shape = Shape.of(Everything)
    many = shape.child("many")
    assert many is not None
    item = many.child(7)
    assert item is not None
    assert item.words() == "a whole number"
    assert shape.child("absent") is None
    assert item.child("absent") is None


def test_words_are_listed_with_or() -> None:
    assert [either([]), either(["a"]), either(["a", "b"]), either(["a", "b", "c"])] == [
        "",
        "a",
        "a or b",
        "a, b or c",
    ]
