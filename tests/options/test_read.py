import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, model_validator

from engine.experiment import ExperimentOptions
from options.base import Options
from options.errors import UserError
from options.read import read_options, write_options

WriteFile = Callable[[str], Path]


class Circle(Options):
    """A circle."""

    name: Literal["circle"]
    """Kind of shape."""
    radius: float = Field(gt=0)
    """Radius in metres."""


class Box(Options):
    """A box."""

    name: Literal["box"]
    """Kind of shape."""
    sides: tuple[float, float] = (1.0, 1.0)
    """Width and height in metres."""

    @model_validator(mode="after")
    def _is_wide(self) -> Self:
        if self.sides[0] < self.sides[1]:
            raise ValueError("a box should be wider than high")
        return self


class Drawing(Options):
    """A drawing."""

    title: str
    """Title."""
    shape: Annotated[Circle | Box, Field(discriminator="name")]
    """What is drawn."""
    copies: int = Field(default=1, ge=1)
    """Number of copies."""
    scale: float | Literal["fitted"] = 1.0
    """Scale."""
    output: Path | None = None
    """File."""

    @model_validator(mode="after")
    def _has_output_for_copies(self) -> Self:
        if self.copies > 1 and self.output is None:
            raise ValueError("several copies need output; set output")
        return self


CIRCLE = "title: 圆\nshape: {name: circle, radius: 2}\n"


def faults_of(file: Path, *overrides: str, kind: type[Options] = Drawing) -> list[str]:
    with pytest.raises(UserError) as error_info:
        read_options(kind, file, overrides)
    lines = str(error_info.value).replace(str(file), "FILE").splitlines()
    return [line.strip() for line in lines] if len(lines) == 1 else [line.strip() for line in lines[1:]]


def test_valid_file_becomes_a_checked_object(option_file: WriteFile) -> None:
    drawing = read_options(Drawing, option_file("title: 圆\nshape: {name: box, sides: [3, 2]}\noutput: a/b.png\n"))
    assert drawing == Drawing(title="圆", shape=Box(name="box", sides=(3.0, 2.0)), output=Path("a/b.png"))


def test_whole_experiment_is_read(option_file: WriteFile, valid_text: str) -> None:
    experiment = read_options(ExperimentOptions, option_file(valid_text))
    assert experiment.train.optimizer.lr == 2e-6
    assert experiment.data.text.attributes == ("颜色分类", "货号")
    assert experiment.predict.threshold == "calibrated"


def test_overrides_win_over_the_file_and_later_ones_over_earlier_ones(option_file: WriteFile) -> None:
    file = option_file(CIRCLE)
    drawing = read_options(Drawing, file, ["shape.radius=5e-1", "title=a=b", "output=x.png", "copies=2", "copies=3"])
    assert drawing.shape == Circle(name="circle", radius=0.5)
    assert (drawing.title, drawing.output, drawing.copies) == ("a=b", Path("x.png"), 3)


def test_override_replaces_a_whole_section_and_builds_absent_ones(option_file: WriteFile) -> None:
    whole = read_options(Drawing, option_file(CIRCLE), ["shape={name: box}"])
    assert whole.shape == Box(name="box")
    built = read_options(Drawing, option_file("title: a\nshape: null\n"), ["shape.name=box", "shape.sides=[2, 1]"])
    assert built.shape == Box(name="box", sides=(2.0, 1.0))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("copies: 0", "FILE:3: copies: should be a whole number (at least 1), not 0"),
        ("copies: 1.0", "FILE:3: copies: should be a whole number (at least 1), not 1.0"),
        ("copies: yes", 'FILE:3: copies: should be a whole number (at least 1), not "yes"'),
        ("copies: true", "FILE:3: copies: should be a whole number (at least 1), not true"),
        ("scale: big", 'FILE:3: scale: should be a number or fitted, not "big"'),
        ("scale: [1]", "FILE:3: scale: should be a number or fitted, not [1]"),
        ("output: 3", "FILE:3: output: should be a path or null, not 3"),
        ("copy: 2", "FILE:3: copy: is not an option; did you mean copies?"),
        ("radius: 2", "FILE:3: radius: is not an option; did you mean shape.radius?"),
        ("zzz: 2", "FILE:3: zzz: is not an option; the keys here are title, shape, copies, scale, output"),
        ("copies: .inf", "FILE:3: copies: should be a finite number, not .inf"),
        ("title: b", "FILE:3: title: the key stands twice, on lines 1 and 3; remove one"),
        ("copies: 2", "FILE: several copies need output; set output"),
    ],
)
def test_each_fault_is_told_in_plain_words(option_file: WriteFile, text: str, fault: str) -> None:
    assert faults_of(option_file(CIRCLE + text)) == [fault]


@pytest.mark.parametrize(
    ("shape", "faults"),
    [
        ("3", ["FILE:2: shape: should be a section with name circle or box, not 3"]),
        ("null", ["FILE:2: shape: should be a section with name circle or box, not null"]),
        ("{}", ["FILE:2: shape.name: is missing; it should be circle or box"]),
        ("{name: 3}", ["FILE:2: shape.name: should be circle or box, not 3"]),
        ("{name: [a]}", ['FILE:2: shape.name: should be circle or box, not ["a"]']),
        ("{name: cirle}", ['FILE:2: shape.name: should be circle or box, not "cirle"; did you mean circle?']),
        ("{name: circle}", ["FILE:2: shape.radius: is missing; it should be a number (greater than 0)"]),
        ("{name: circle, radius: -1}", ["FILE:2: shape.radius: should be a number (greater than 0), not -1"]),
        ("{name: box, radius: 1}", ["FILE:2: shape.radius: is an option under name: circle only"]),
        ("{name: box, box: 1}", ["FILE:2: shape.box: is not an option; the keys here are name, sides"]),
        ("{name: box, sides: [1]}", ["FILE:2: shape.sides: should be a list of 2 numbers, not [1]"]),
        ("{name: box, sides: []}", ["FILE:2: shape.sides: should be a list of 2 numbers, not []"]),
        (
            "{name: box, sides: [1, 2, 3]}",
            ["FILE:2: shape.sides: should be a list of 2 numbers, not [1, 2, 3]"],
        ),
        ("{name: box, sides: [1, a]}", ['FILE:2: shape.sides[1]: should be a number, not "a"']),
        ("{name: box, sides: [1, 2]}", ["FILE:2: shape: a box should be wider than high"]),
    ],
)
def test_faults_in_a_chosen_section_have_their_real_path(option_file: WriteFile, shape: str, faults: list[str]) -> None:
    assert faults_of(option_file(f"title: a\nshape: {shape}\n")) == faults


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("copies", 'command line: "copies" should have the form section.key=value'),
        ("=3", 'command line: "=3" should have the form section.key=value'),
        ("shape..radius=3", 'command line: "shape..radius=3" should have the form section.key=value'),
        ("copies=a", 'command line: copies: should be a whole number (at least 1), not "a"'),
        ("shape.radus=1", "command line: shape.radus: is not an option; did you mean shape.radius?"),
        ("shap.radius=1", "command line: shap: is not an option; did you mean shape?"),
        (
            "shape={name: circle}",
            "command line: shape.radius: is missing; it should be a number (greater than 0)",
        ),
    ],
)
def test_faulty_overrides_are_placed_on_the_command_line(option_file: WriteFile, override: str, fault: str) -> None:
    assert faults_of(option_file(CIRCLE), override) == [fault]


def test_override_into_a_value_that_is_no_section_is_refused(option_file: WriteFile) -> None:
    (fault,) = faults_of(option_file(CIRCLE), "title.short=a")
    assert fault.startswith('command line: title.short: cannot be set, since title is "圆" and not a section')


def test_one_message_names_every_fault_in_the_order_of_the_file(option_file: WriteFile) -> None:
    text = "titel: a\nshape: {name: circle, radius: 0}\ncopies: 1\ncopies: 2\nscale: !x\n".replace("!x", "x")
    assert faults_of(option_file(text), "output=5", "nothing") == [
        "FILE: title: is missing; it should be text",
        "FILE:1: titel: is not an option; did you mean title?",
        "FILE:2: shape.radius: should be a number (greater than 0), not 0",
        "FILE:4: copies: the key stands twice, on lines 3 and 4; remove one",
        'FILE:5: scale: should be a number or fitted, not "x"',
        'command line: "nothing" should have the form section.key=value',
        "command line: output: should be a path or null, not 5",
    ]


def test_value_that_yaml_refuses_is_reported_once(option_file: WriteFile) -> None:
    faults = faults_of(option_file("title: .nan\nshape: {name: circle, radius: .inf}\n"), "copies=[")
    assert len(faults) == 3


def test_resolved_options_read_back_equal_and_in_field_order(option_file: WriteFile, valid_text: str) -> None:
    experiment = read_options(ExperimentOptions, option_file(valid_text))
    text = write_options(experiment)
    assert read_options(ExperimentOptions, option_file(text)) == experiment
    assert re.findall(r"^\w+", text, re.MULTILINE) == list(ExperimentOptions.model_fields)
    assert "attributes: [颜色分类, 货号]" in text


@given(
    title=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    radius=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    scale=st.floats(allow_nan=False, allow_infinity=False) | st.just("fitted"),
    copies=st.integers(1, 10**15),
    output=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).map(Path),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_options_read_back_equal(
    option_file: WriteFile,
    title: str,
    radius: float,
    scale: float | Literal["fitted"],
    copies: int,
    output: Path,
) -> None:
    circle = Circle(name="circle", radius=radius)
    drawing = Drawing(title=title, shape=circle, scale=scale, copies=copies, output=output)
    assert read_options(Drawing, option_file(write_options(drawing))) == drawing
