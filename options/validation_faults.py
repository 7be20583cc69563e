"""Pydantic's validation errors as faults in plain words."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, get_args

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from options.base import BASE
from options.fault import Fault, KeyPath, Place, dotted, nearest, nearest_path, shown
from options.reference import OptionDescription
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
    error: ValidationError,
    root: Shape,
    values: JsonValue,
    place_of: Callable[[KeyPath], Place],
    descriptions: Sequence[OptionDescription],
) -> list[Fault]:
    """Return the faults that an error reports of the values, one for each path and problem.

    Args:
        error: what validating the values raised.
        root: the shape of the whole option file.
        values: the values that were validated.
        place_of: the place of a value, or of the section that should hold it.
        descriptions: all options, to search for the one that an unknown key meant.
    """
    all_details = error.errors(include_url=False)
    deepest = {_located(root, details["loc"], values).path for details in all_details}
    faults: dict[tuple[KeyPath, str], Fault] = {}
    for details in all_details:
        if _is_of_another_member(details["loc"], root, values, deepest):
            continue
        path, problem = _explained(details, root, values, descriptions)
        faults[path, problem] = Fault(place_of(path), path, problem)
    return list(faults.values())


def _is_of_another_member(location: KeyPath, root: Shape, values: JsonValue, paths: AbstractSet[KeyPath]) -> bool:
    """Return whether a plain union's error says no more than that one of its other members was meant."""
    path, shape, _ = _located(root, location, values)
    inside = (other for other in paths if len(other) > len(path) and other[: len(path)] == path)
    return shape is not None and bool(shape.members) and any(inside)


def _explained(
    details: ErrorDetails, root: Shape, values: JsonValue, descriptions: Sequence[OptionDescription]
) -> tuple[KeyPath, str]:
    """Return the path of the faulty value and what is wrong with it."""
    location = details["loc"]
    match details["type"]:
        case "value_error" | "assertion_error":
            return _located(root, location, values).path, str(details["ctx"]["error"])
        case "extra_forbidden":
            found = _located(root, location, values)
            used = _value_at(values, found.path[:-1])
            return found.path, _unknown_key(found.path, found.section, used, descriptions)
        case "missing" if isinstance(location[-1], str):
            found = _located(root, location, values)
            return found.path, _missing(found.shape)
        case "missing":
            found = _located(root, location[:-1], values)
            return found.path, _wrong(found, details["input"])
        case "union_tag_invalid" | "union_tag_not_found":
            section = _located(root, location, values)
            return _wrong_name(section, details["input"])
        case standard if standard in _STANDARD_ERRORS:
            found = _located(root, location, values)
            return found.path, _wrong(found, details["input"])
        case _:
            return _located(root, location, values).path, details["msg"]


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


def _missing(shape: Shape | None) -> str:
    return f"is missing; it should be {shape.words()}" if shape else "is missing"


def _wrong(found: _Located, value: JsonValue) -> str:
    expected = found.shape.words() if found.shape else "another value"
    return f"should be {expected}, not {shown(value)}"


def _wrong_name(section: _Located, value: JsonValue) -> tuple[KeyPath, str]:
    """Explain the name by which a section is chosen: it is missing, or none of the known ones."""
    if section.shape is None or not isinstance(value, dict):
        return section.path, _wrong(section, value)
    path = (*section.path, section.shape.discriminator)
    known = either(list(section.shape.variants))
    if section.shape.discriminator not in value:
        return path, f"is missing; it should be {known}"
    name = value[section.shape.discriminator]
    similar = nearest(name, section.shape.variants) if isinstance(name, str) else None
    hint = f"; did you mean {similar}?" if similar else ""
    return path, f"should be {known}, not {shown(name)}{hint}"


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
