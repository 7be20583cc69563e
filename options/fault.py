"""One fault in the options: where it stands, which key it concerns and what is wrong."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import JsonValue

from options.printable import LONGEST_SHOWN, shortened

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the root of an option file down to a value."""


class Place(NamedTuple):
    """Where a value was written."""

    source: str
    """File name, or "command line"."""
    line: int | None = None
    """Line in the file, from 1; None for the file as a whole."""

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


COMMAND_LINE = Place("command line")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in the options."""

    place: Place
    path: KeyPath
    problem: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), dotted(self.path), self.problem) if part)


def dotted(path: KeyPath) -> str:
    """Return the path as it is written on the command line, such as train.optimizer.betas[1]."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if re.fullmatch(r"[^\s.=\[\]\"']+", part) and part.isprintable() else shown(part)
            text += f".{key}" if text else key
    return text


def shown(value: JsonValue) -> str:
    """Return the value on one line, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return shortened(text) if len(text) <= LONGEST_SHOWN else shortened(text, LONGEST_SHOWN - 3)


def listed(faults: Sequence[Fault]) -> str:
    """Return the message for one or more faults: a line each, those of files first, in their order."""
    lines = list(dict.fromkeys(str(fault) for fault in sorted(faults, key=_order)))
    if len(lines) == 1:
        return lines[0]
    return "\n  ".join([f"the options have {len(lines)} faults", *lines])


def _order(fault: Fault) -> tuple[bool, str, int]:
    return fault.place == COMMAND_LINE, fault.place.source, fault.place.line or 0
