"""An option file and the command line's overrides to a checked object, and back to text."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from options.base import Options
from options.errors import UserError
from options.fault import Fault, Place, listed
from options.overrides import PlacedValues, apply_override
from options.reference import describe
from options.schema import Shape
from options.validation_faults import validation_faults
from options.yaml_values import read_yaml_mapping, to_yaml

OptionsT = TypeVar("OptionsT", bound=Options)


def read_options(kind: type[OptionsT], file: Path, overrides: Sequence[str] = ()) -> OptionsT:
    """Return the checked options of a YAML file, with `section.key=value` overrides laid over it.

    Raises:
        UserError: where anything is wrong; its message names every fault with file and line, key, value and,
            for an unknown key, the nearest valid one.
    """
    document = read_yaml_mapping(file)
    places = {path: Place(str(file), line) for path, line in document.lines.items()}
    placed = PlacedValues(document.values, {(): Place(str(file)), **places})
    faults = [*document.faults]
    for override in overrides:
        faults += apply_override(placed, override)
    try:
        # As JSON, lists count as tuples and text as paths, and all else stays strict.
        options = kind.model_validate_json(json.dumps(placed.values))
    except ValidationError as error:
        shape = Shape.of(kind)
        found = validation_faults(error, shape, placed.values, placed.place_of, describe(kind))
        faults += _not_below(found, faults)
    if faults:
        raise UserError(listed(faults))
    return options


def write_options(options: Options) -> str:
    """Return the options, defaults included, as YAML text that reads back to an equal object."""
    values: dict[str, JsonValue] = options.model_dump(mode="json")
    return to_yaml(values)


def _not_below(found: Iterable[Fault], known: Sequence[Fault]) -> list[Fault]:
    """Leave out what follows from a known fault: the checks saw null in place of the faulty value."""
    faulty = {fault.path for fault in known if fault.path}
    return [
        fault for fault in found if not any(fault.path[:length] in faulty for length in range(1, len(fault.path) + 1))
    ]
