"""Values of the command line, `section.key=value`, laid over those of an option file."""

from dataclasses import dataclass

from pydantic import JsonValue

from options.errors import UserError
from options.fault import COMMAND_LINE, Fault, KeyPath, Place, dotted, shown
from options.yaml_values import DEEPEST_NESTING, parse_yaml_value


@dataclass(frozen=True, slots=True)
class PlacedValues:
    """The values of an option file, and where each was written."""

    values: dict[str, JsonValue]
    places: dict[KeyPath, Place]
    """Holds at least the root, the empty path."""

    def place_of(self, path: KeyPath) -> Place:
        """Return the place of the value at the path, or of the innermost section around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]


def apply_override(placed: PlacedValues, override: str) -> list[Fault]:
    """Set one value, creating absent sections; return the faults.

    A section that is null counts as absent. A value that is faulty in itself is set to null, so that no
    second fault reports its key as missing.
    """
    key, equals, text = override.partition("=")
    path = tuple(key.split("."))
    if not equals or not all(path):
        return [Fault(COMMAND_LINE, (), f"{shown(override)} should have the form section.key=value")]
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
    for old in [old for old in placed.places if old[: len(path)] == path]:
        del placed.places[old]
    placed.places[path] = COMMAND_LINE
    try:
        section[path[-1]] = parse_yaml_value(text)
    except UserError as error:
        section[path[-1]] = None
        return [Fault(COMMAND_LINE, path, str(error))]
    return []
