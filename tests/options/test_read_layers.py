from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, JsonValue

from options.base import Options
from options.errors import UserError
from options.fault import COMMAND_LINE, Place
from options.read import apply_override, read_options
from options.yaml_values import PlacedValues


def placed() -> PlacedValues:
    values: dict[str, JsonValue] = {"seed": 1, "loss": {"name": "contrastive", "margin": 1.0}}
    lines = {("seed",): 1, ("loss",): 2, ("loss", "name"): 3, ("loss", "margin"): 4}
    return PlacedValues(values, {(): Place("a.yml"), **{path: Place("a.yml", line) for path, line in lines.items()}})


def test_overridden_value_stands_on_the_command_line_and_its_neighbours_in_the_file() -> None:
    options = placed()
    assert apply_override(options, "loss.margin=2e-1") == []
    assert options.values == {"seed": 1, "loss": {"name": "contrastive", "margin": 0.2}}
    assert options.place_of(("loss", "margin")) == COMMAND_LINE
    assert options.place_of(("loss", "name")) == Place("a.yml", 3)


def test_overridden_section_forgets_the_lines_of_its_old_keys() -> None:
    options = placed()
    assert apply_override(options, "loss={name: a}") == []
    assert options.values["loss"] == {"name": "a"}
    assert options.place_of(("loss", "margin")) == COMMAND_LINE


def test_absent_value_stands_where_its_section_does() -> None:
    options = placed()
    assert options.place_of(("loss", "scale")) == Place("a.yml", 2)
    assert options.place_of(("train", "steps")) == Place("a.yml")
    assert apply_override(options, "train.optimizer.lr=1") == []
    assert options.place_of(("train", "steps")) == COMMAND_LINE


def test_refused_override_changes_nothing() -> None:
    options = placed()
    for override in ["seed", "=1", "base=a.yml", "loss.=1", "seed.x=1", "loss.name.x.y=1", ".".join("a" * 100) + "=1"]:
        (fault,) = apply_override(options, override)
        assert fault.place == COMMAND_LINE
    assert options == placed()


def test_faulty_value_becomes_null_and_one_fault() -> None:
    options = placed()
    (fault,) = apply_override(options, "loss.margin=.nan")
    assert str(fault) == "command line: loss.margin: should be a finite number, not .nan"
    assert options.values["loss"] == {"name": "contrastive", "margin": None}


class Circle(Options):
    """A circle."""

    name: Literal["circle"]
    """Name of the shape."""
    radius: float = 1.0
    """Radius."""
    dash: tuple[int, ...] = ()
    """Lengths of dashes."""


class Box(Options):
    """A box."""

    name: Literal["box"]
    """Name of the shape."""
    width: float = 1.0
    """Width."""


AnyShape = Annotated[Circle | Box, Field(discriminator="name")]


class Frame(Options):
    """A frame."""

    shape: AnyShape | None = None
    """Its shape."""
    layers: tuple[int, ...] = ()
    """Layers."""


class Drawing(Options):
    """A drawing."""

    title: str = ""
    """Title."""
    shape: AnyShape | None = None
    """What is drawn."""
    frame: Frame = Frame()
    """What is around it."""
    notes: Mapping[str, JsonValue] = {}
    """Keys of the user's own."""


WriteFiles = Callable[..., Path]


@pytest.fixture
def write_files(tmp_path: Path) -> WriteFiles:
    """Write files into folders, and return the first."""

    def write(**texts: str) -> Path:
        files = [tmp_path / f"{name.replace('__', '/')}.yml" for name in texts]
        for file, text in zip(files, texts.values(), strict=True):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return files[0]

    return write


def read(file: Path, *overrides: str) -> Drawing:
    return read_options(Drawing, file, overrides)


def faults(file: Path, *overrides: str) -> str:
    with pytest.raises(UserError) as refused:
        read(file, *overrides)
    return str(refused.value).replace(f"{file.parent}/", "")


BELOW = """\
title: below
shape: {name: circle, radius: 2, dash: [1, 2]}
frame:
  shape: {name: circle, radius: 3}
  layers: [1, 2, 3]
notes: {a: {b: 1, c: 2}, d: 3}
"""


def test_sections_are_merged_and_all_else_is_replaced(write_files: WriteFiles) -> None:
    file = write_files(
        above="base: below.yml\nshape: {dash: [3]}\nframe: {layers: []}\nnotes: {a: {b: {e: 4}}}", below=BELOW
    )
    assert read(file) == Drawing(
        title="below",
        shape=Circle(name="circle", radius=2.0, dash=(3,)),
        frame=Frame(shape=Circle(name="circle", radius=3.0)),
        notes={"a": {"b": {"e": 4}, "c": 2}, "d": 3},
    )


def test_a_section_of_another_name_replaces_the_one_below_and_one_of_the_same_name_does_not(
    write_files: WriteFiles,
) -> None:
    file = write_files(
        above="base: below.yml\nshape: {name: box}\nframe: {shape: {name: circle, dash: [1]}}", below=BELOW
    )
    assert read(file).shape == Box(name="box")
    assert read(file).frame.shape == Circle(name="circle", radius=3.0, dash=(1,))


def test_null_takes_a_section_away_and_a_section_stands_where_there_was_null(write_files: WriteFiles) -> None:
    file = write_files(above="base: below.yml\nshape: null\nframe: {shape: null}", below=BELOW)
    assert read(file).shape is None
    assert read(file).frame == Frame(layers=(1, 2, 3))
    file = write_files(top="base: above.yml\nshape: {name: box}", above="base: below.yml\nshape: null", below=BELOW)
    assert read(file).shape == Box(name="box")


def test_bases_have_bases_and_each_path_is_relative_to_the_file_that_names_it(write_files: WriteFiles) -> None:
    file = write_files(
        inner__above="base: ../outer/middle.yml\ntitle: above",
        outer__middle="base: below.yml\ntitle: middle\nframe: {layers: [7]}",
        outer__below=BELOW,
    )
    drawing = read(file)
    assert (drawing.title, drawing.frame.layers) == ("above", (7,))
    assert drawing.shape == Circle(name="circle", radius=2.0, dash=(1, 2))


def test_the_command_line_is_laid_over_all_files(write_files: WriteFiles) -> None:
    file = write_files(above="base: below.yml\nframe: {layers: [7]}", below=BELOW)
    drawing = read(file, "frame.layers=[8]", "shape.radius=5", "title=a")
    assert (drawing.title, drawing.frame.layers, drawing.shape) == (
        "a",
        (8,),
        Circle(name="circle", radius=5.0, dash=(1, 2)),
    )


def test_each_fault_is_told_with_the_file_and_line_in_which_its_value_stands(write_files: WriteFiles) -> None:
    file = write_files(
        above="base: below.yml\nframe:\n  layers: [a]\nshape: {name: box, radius: 1}\ntitel: b\n",
        below="title: 3\n\nframe:\n  shape: {name: circle, radius: x}\n  layers: 7\n",
    )
    assert faults(file, "frame.shape.dash=1").splitlines() == [
        "the options have 6 faults",
        '  above.yml:3: frame.layers[0]: should be a whole number, not "a"',
        "  above.yml:4: shape.radius: is an option under name: circle only",
        "  above.yml:5: titel: is not an option; did you mean title?",
        "  below.yml:1: title: should be text, not 3",
        '  below.yml:4: frame.shape.radius: should be a number, not "x"',
        "  command line: frame.shape.dash: should be a list of whole numbers, not 1",
    ]


def test_a_key_that_neither_file_has_is_missed_in_the_upper_one_where_it_has_the_section(
    write_files: WriteFiles,
) -> None:
    file = write_files(above="base: below.yml\ntitle: a\nshape: {}\n", below="shape: {radius: 1}\n")
    assert faults(file) == "above.yml:3: shape.name: is missing; it should be circle or box"


@pytest.mark.parametrize(
    ("base", "fault"),
    [
        ("there.yml", "above.yml:2: base: there is no file there.yml, as the path is relative to this file"),
        (".", "above.yml:2: base: there is no file ., as the path is relative to this file"),
        ("3", "above.yml:2: base: should be the path of an option file, not 3"),
        ("null", "above.yml:2: base: should be the path of an option file, not null"),
        ("''", 'above.yml:2: base: should be the path of an option file, not ""'),
        ("[below.yml]", 'above.yml:2: base: should be the path of an option file, not ["below.yml"]'),
        (".nan", "above.yml:2: base: should be a finite number, not .nan"),
        ("above.yml", "above.yml:2: base: option files are based on each other in a circle: above.yml -> above.yml"),
    ],
)
def test_a_base_that_is_no_file_of_options_is_refused(write_files: WriteFiles, base: str, fault: str) -> None:
    file = write_files(above=f"title: a\nbase: {base}\n", below=BELOW)
    assert faults(file).replace(str(file.parent), ".") == fault


def test_files_that_are_based_on_each_other_in_a_circle_are_refused(write_files: WriteFiles) -> None:
    file = write_files(a="base: b.yml", b="title: b\nbase: c.yml", c="base: b.yml")
    told = "c.yml:1: base: option files are based on each other in a circle: a.yml -> b.yml -> c.yml -> b.yml"
    assert faults(file) == told


def test_what_is_wrong_with_a_base_as_yaml_is_told_with_its_own_place(write_files: WriteFiles) -> None:
    file = write_files(above="base: below.yml\n", below="title: a\n\tshape: 3\n")
    assert faults(file).startswith("below.yml:2: ")
    file = write_files(above="base: below.yml\n", below="title: a\ntitle: b\n")
    assert faults(file) == "below.yml:2: title: the key stands twice, on lines 1 and 2; remove one"


def test_a_misspelt_base_is_known(write_files: WriteFiles) -> None:
    file = write_files(above="bsae: below.yml\n", below=BELOW)
    assert faults(file) == "above.yml:1: bsae: is not an option; did you mean base?"
