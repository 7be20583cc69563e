from pydantic import JsonValue

from options.fault import COMMAND_LINE, Place
from options.overrides import PlacedValues, apply_override


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
    for override in ["seed", "=1", "loss.=1", "seed.x=1", "loss.name.x.y=1", ".".join("a" * 100) + "=1"]:
        (fault,) = apply_override(options, override)
        assert fault.place == COMMAND_LINE
    assert options == placed()


def test_faulty_value_becomes_null_and_one_fault() -> None:
    options = placed()
    (fault,) = apply_override(options, "loss.margin=.nan")
    assert str(fault) == "command line: loss.margin: should be a finite number, not .nan"
    assert options.values["loss"] == {"name": "contrastive", "margin": None}
