"""Pydantic's validation errors as faults in plain words."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, get_args

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from options.base import BASE, Options
from options.fault import Fault, KeyPath, Place, dotted, nearest, nearest_path, shown
from options.reference import OptionDescription, describe
from options.schema import Shape, either

_STANDARD_ERRORS = frozenset(get_args(ErrorType))


class _Located(NamedTuple):
    """Where an error's location leads in the option file."""

    path: KeyPath
    shape: Shape | None
    """None for a key that the options do not have."""
    section: Shape
    """What the innermost section or list on the way may be."""


def validation_faults(
    error: ValidationError, options_type: type[Options], values: JsonValue, place_of: Callable[[KeyPath], Place]
) -> list[Fault]:
    """Return the faults that an error reports of the values of an option file, one for each path and problem.

    `place_of` gives the place of a value, or of the section that should hold it.
    """
    root, descriptions = Shape.of(options_type), describe(options_type)
    errors = [(details, _located(root, _location(details), values)) for details in error.errors(include_url=False)]
    paths = {found.path for _, found in errors}
    faults: dict[tuple[KeyPath, str], Fault] = {}
    for details, found in errors:
        is_union = found.shape is not None and bool(found.shape.members)
        if is_union and any(len(path) > len(found.path) and path[: len(found.path)] == found.path for path in paths):
            continue  # which says no more than that another member of the union was meant
        path = found.path
        match details["type"]:
            case "value_error" | "assertion_error":
                problem = str(details["ctx"]["error"])
            case "extra_forbidden":
                problem = _unknown_key(path, found.section, _value_at(values, path[:-1]), descriptions)
            case "missing" if isinstance(details["loc"][-1], str):
                problem = f"is missing; it should be {found.shape.words()}" if found.shape else "is missing"
            case "union_tag_invalid" | "union_tag_not_found" if found.shape and isinstance(details["input"], dict):
                path = (*path, found.shape.discriminator)
                problem = _wrong_name(found.shape, details["input"])
            case standard if standard in _STANDARD_ERRORS:
                expected = found.shape.words() if found.shape else "another value"
                problem = f"should be {expected}, not {shown(details['input'])}"
            case _:
                problem = details["msg"]
        faults[path, problem] = Fault(place_of(path), path, problem)
    return list(faults.values())


def _location(details: ErrorDetails) -> KeyPath:
    """Return the error's location; for a list that is too short, that of the list."""
    location = details["loc"]
    return location[:-1] if details["type"] == "missing" and isinstance(location[-1], int) else location


def _located(root: Shape, location: KeyPath, values: JsonValue) -> _Located:
    """Follow an error's location, which names the chosen member of each union besides keys and positions."""
    section = shape = root
    path: KeyPath = ()
    for depth, part in enumerate(location):
        if part in shape.variants:
            shape = shape.variants[str(part)]
            continue
        if shape.members:
            value = _value_at(values, path)
            holder = next((member for member in shape.members if member.holds(value)), None)
            if holder is None or depth == len(location) - 1:
                break
            shape = holder
            continue
        path = (*path, part)
        child = shape.child(part)
        if child is None:
            return _Located(path, None, shape)
        section, shape = shape, child
    return _Located(path, shape, section)


def _value_at(values: JsonValue, path: KeyPath) -> JsonValue:
    for part in path:
        match values, part:
            case (dict(), str()):
                values = values[part]
            case (list(), int()):
                values = values[part]
    return values


def _wrong_name(section: Shape, value: Mapping[str, JsonValue]) -> str:
    """Explain the name by which a section is chosen: it is missing, or none of the known ones."""
    known = either(list(section.variants))
    if section.discriminator not in value:
        return f"is missing; it should be {known}"
    name = value[section.discriminator]
    similar = nearest(name, section.variants) if isinstance(name, str) else None
    hint = f"; did you mean {similar}?" if similar else ""
    return f"should be {known}, not {shown(name)}{hint}"


def _unknown_key(path: KeyPath, section: Shape, used: JsonValue, descriptions: Sequence[OptionDescription]) -> str:
    key = str(path[-1])
    here = dotted(path)
    owners = [option.variant for option in descriptions if option.path == here and option.variant]
    if owners:
        return f"is an option under {', '.join(owners)} only"
    # Of equally like keys one that is not there yet was meant.
    keys = sorted(section.fields, key=lambda field: isinstance(used, dict) and field in used)
    keys += [BASE] if len(path) == 1 else []
    meant = nearest_path(key, dotted(path[:-1]), keys, (option.path for option in descriptions))
    if meant:
        return f"is not an option; did you mean {meant}?"
    return f"is not an option; the keys here are {', '.join(section.fields)}"
