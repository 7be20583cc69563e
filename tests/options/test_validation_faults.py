from collections.abc import Mapping
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, JsonValue, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from options.base import Options
from options.fault import Place
from options.reference import describe
from options.schema import Shape
from options.validation_faults import validation_faults


def refuse_odd(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd; give an even number")
    return number


def refuse_large(number: int) -> int:
    if number > 9:
        raise PydanticCustomError("too_big", "has more than one digit")
    return number


class Inner(Options):
    """Inner."""

    width: int
    """Width."""


class Outer(Options):
    """Outer."""

    even: Annotated[int, AfterValidator(refuse_odd)] = 0
    """Even."""
    small: Annotated[int, AfterValidator(refuse_large)] = 0
    """Small."""
    sections: tuple[Inner, ...] = ()
    """Sections."""
    widths: Mapping[str, int] = {}
    """Widths."""
    mixed: str | Inner | None = None
    """Text or a section."""
    mode: Literal["a", "b"] | bool = False
    """Mode."""


def faults_of(values: dict[str, JsonValue]) -> list[str]:
    with pytest.raises(ValidationError) as error_info:
        Outer.model_validate_json(TypeAdapter(JsonValue).dump_json(values))
    found = validation_faults(
        error_info.value, Shape.of(Outer), values, lambda path: Place("a.yml", len(path)), describe(Outer)
    )
    return [str(fault) for fault in found]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"even": 3}, "a.yml:1: even: 3 is odd; give an even number"),
        ({"small": 10}, "a.yml:1: small: has more than one digit"),
        (
            {"sections": [{"width": 1}, {"width": "x"}]},
            'a.yml:3: sections[1].width: should be a whole number, not "x"',
        ),
        ({"sections": [{}]}, "a.yml:3: sections[0].width: is missing; it should be a whole number"),
        ({"widths": {"a": None}}, "a.yml:2: widths.a: should be a whole number, not null"),
        ({"mixed": 3}, "a.yml:1: mixed: should be text or a section, or null, not 3"),
        ({"mode": 3}, "a.yml:1: mode: should be a or b or true or false, not 3"),
    ],
)
def test_errors_of_every_kind_of_type_become_one_plain_fault(values: dict[str, JsonValue], fault: str) -> None:
    assert faults_of(values) == [fault]


def test_fault_inside_a_section_of_a_plain_union_hides_that_of_the_union() -> None:
    assert faults_of({"mixed": {"width": "x"}}) == ['a.yml:2: mixed.width: should be a whole number, not "x"']
    assert faults_of({"mixed": {"width": 1, "wdith": 2}}) == [
        "a.yml:2: mixed.wdith: is not an option; did you mean mixed.width?"
    ]
