import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, JsonValue, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from engine.experiment import ExperimentOptions
from options.base import Options
from options.errors import UserError
from options.fault import Place
from options.read import read_options, write_options
from options.validation_faults import validation_faults
from options.yaml_values import parse_yaml_value, to_yaml


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
    found = validation_faults(error_info.value, Outer, values, lambda path: Place("a.yml", len(path)))
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


WRONG_VALUES: st.SearchStrategy[JsonValue] = st.one_of(
    [
        st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2),
        st.sampled_from(["", "timm", "contrastive", "品"]),
        st.lists(st.integers(-1, 2), max_size=3),
        st.dictionaries(st.sampled_from(["name", "lr", "x"]), st.just("timm")),
    ]
)


def containers(value: JsonValue) -> list[dict[str, JsonValue]]:
    if isinstance(value, list):
        return [inner for item in value for inner in containers(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(inner for item in value.values() for inner in containers(item))]


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_any_mutation_gives_an_object_or_a_user_error_that_names_the_place(
    option_file: Callable[[str], Path], valid_text: str, data: st.DataObject
) -> None:
    tree = parse_yaml_value(valid_text)
    for _ in range(data.draw(st.integers(1, 3))):
        section = data.draw(st.sampled_from(containers(tree)))
        key = data.draw(st.sampled_from([*section, "unknown", "margin", "name"]))
        if data.draw(st.booleans()):
            section.pop(key, None)
        else:
            section[key] = data.draw(WRONG_VALUES)
    assert isinstance(tree, dict)
    file = option_file(to_yaml(tree) if tree else "{}")
    try:
        options = read_options(ExperimentOptions, file)
    except UserError as error:
        lines = str(error).splitlines()
        for line in lines if len(lines) == 1 else lines[1:]:
            assert re.match(rf" *{re.escape(str(file))}(:\d+)?: .+", line), line
        assert "Input should" not in str(error)  # noqa: PT017
    else:
        assert read_options(ExperimentOptions, option_file(write_options(options))) == options
