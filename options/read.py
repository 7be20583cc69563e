"""An option file, the files that it is based on and the command line's overrides to a checked object, and back."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from options.base import BASE, Options
from options.errors import UserError
from options.fault import COMMAND_LINE, Fault, KeyPath, Place, dotted, listed, shown
from options.schema import Shape
from options.validation_faults import validation_faults
from options.yaml_dialect import DEEPEST_NESTING
from options.yaml_values import PlacedValues, parse_yaml_value, read_yaml_mapping, to_yaml

OptionsT = TypeVar("OptionsT", bound=Options)


def read_options(options_type: type[OptionsT], file: Path, overrides: Sequence[str] = ()) -> OptionsT:
    """Return the checked options of a YAML file, with `section.key=value` overrides laid over it.

    A file that names another one by `base: FILE`, relative to itself, is laid over that one: sections are merged,
    all else is replaced, and so is a section of another name where the name chooses what keys there are.

    Raises:
        UserError: where anything is wrong; its message names every fault with file and line, key, value and,
            for an unknown key, the nearest valid one.
    """
    placed = _read_layers(file, Shape.of(options_type))
    faults = placed.faults
    for override in overrides:
        faults += apply_override(placed, override)
    try:
        # As JSON, lists count as tuples and text as paths, and all else stays strict.
        options = options_type.model_validate_json(json.dumps(placed.values))
    except ValidationError as error:
        # What follows from a known fault is left out: the checks saw null in place of the faulty value.
        faulty = {fault.path for fault in faults if fault.path}
        for fault in validation_faults(error, options_type, placed.values, placed.place_of):
            if not any(fault.path[:length] in faulty for length in range(1, len(fault.path) + 1)):
                faults.append(fault)
    if faults:
        raise UserError(listed(faults))
    return options


def write_options(options: Options) -> str:
    """Return the options, defaults included, as YAML text that reads back to an equal object."""
    values: dict[str, JsonValue] = options.model_dump(mode="json")
    return to_yaml(values)


def apply_override(placed: PlacedValues, override: str) -> list[Fault]:
    """Set one value, creating absent sections; return the faults.

    A section that is null counts as absent. A value that is faulty in itself is set to null, so that no
    second fault reports its key as missing.
    """
    key, equals, text = override.partition("=")
    path = tuple(key.split("."))
    if not equals or not all(path):
        return [Fault(COMMAND_LINE, (), f"{shown(override)} should have the form section.key=value")]
    if path == (BASE,):
        return [Fault(COMMAND_LINE, path, "is for option files; name the file itself, and overrides beside it")]
    if len(path) > DEEPEST_NESTING:
        return [Fault(COMMAND_LINE, (), f"{shown(override)} is nested more than {DEEPEST_NESTING} levels deep")]
    section = placed.values
    for depth in range(1, len(path)):
        inner = section.get(path[depth - 1])
        if inner is None:
            inner = section[path[depth - 1]] = {}
            placed.places[path[:depth]] = COMMAND_LINE
        if not isinstance(inner, dict):
            outer = dotted(path[:depth])
            problem = f"cannot be set, since {outer} is {shown(inner)} and not a section; set {outer} as a whole"
            return [Fault(COMMAND_LINE, path, problem)]
        section = inner
    _forget(placed.places, path)
    placed.places[path] = COMMAND_LINE
    try:
        section[path[-1]] = parse_yaml_value(text)
    except UserError as error:
        section[path[-1]] = None
        return [Fault(COMMAND_LINE, path, str(error))]
    return []


def _read_layers(file: Path, shape: Shape, derived: tuple[Path, ...] = ()) -> PlacedValues:
    """Return the values of a file over those of the file that it is based on, with the faults of both.

    `derived` are the files that are based on this one, the one that was named first.
    """
    placed = read_yaml_mapping(file)
    if BASE not in placed.values:
        return placed
    name, place, chain = placed.values.pop(BASE), placed.place_of((BASE,)), (*derived, file)
    if any(fault.path == (BASE,) for fault in placed.faults):
        return placed
    problem = _base_problem(name, chain)
    if problem is not None:
        placed.faults.append(Fault(place, (BASE,), problem))
        return placed
    below = _read_layers(file.parent / str(name), shape, chain)
    for path in _merge(below.values, placed.values, shape):
        _forget(below.places, path)
    below.places.update(placed.places)
    below.faults += placed.faults
    return below


def _base_problem(name: JsonValue, chain: Sequence[Path]) -> str | None:
    """Return what is wrong with the base of the last file of a chain, each based on the next."""
    if not isinstance(name, str) or not name:
        return f"should be the path of an option file, not {shown(name)}"
    base = chain[-1].parent / name
    if base.resolve() in [file.resolve() for file in chain]:
        return f"option files are based on each other in a circle: {' -> '.join(map(str, (*chain, base)))}"
    return None if base.is_file() else f"there is no file {base}, as the path is relative to this file"


def _merge(below: dict[str, JsonValue], above: dict[str, JsonValue], shape: Shape | None) -> Iterator[KeyPath]:
    """Merge a section into the one below it; yield the paths in it whose values are replaced as a whole."""
    chosen = shape.chosen(above, below) if shape is not None else None
    for key, value in above.items():
        inner, old = chosen.child(key) if chosen is not None else None, below.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and not (inner is not None and inner.differ(value, old)):
            yield from ((key, *path) for path in _merge(old, value, inner))
        else:
            below[key] = value
            yield (key,)


def _forget(places: dict[KeyPath, Place], path: KeyPath) -> None:
    for old in [old for old in places if old[: len(path)] == path]:
        del places[old]
