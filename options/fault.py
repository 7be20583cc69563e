"""One fault in the options: where it stands, which key it concerns, what is wrong and what was probably meant."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
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
LEAST_LIKENESS, LEAST_LIKENESS_OF_SHORT = 0.6, 0.5
SHORT = 3
"""Letters of a word in which one wrong letter is much."""


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
    in_order = sorted(
        faults, key=lambda fault: (fault.place == COMMAND_LINE, fault.place.source, fault.place.line or 0)
    )
    lines = list(dict.fromkeys(map(str, in_order)))
    if len(lines) == 1:
        return lines[0]
    return "\n  ".join([f"the options have {len(lines)} faults", *lines])


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the word most like the given one, the first of equally like ones, None where none is like it."""
    written = word.casefold().replace("-", "_")
    likeness = {other: SequenceMatcher(None, other, written).ratio() for other in words}
    best = max(likeness, key=likeness.__getitem__, default=None)
    least = LEAST_LIKENESS if len(written) > SHORT else LEAST_LIKENESS_OF_SHORT
    return best if best is not None and likeness[best] >= least else None


def nearest_path(key: str, section: str, section_keys: Iterable[str], all_paths: Iterable[str]) -> str | None:
    """Return the dotted path of the key that was probably meant: one of its section, else one from elsewhere.

    Elsewhere, an equal key wins over a similar one, and the path that comes first over later ones.
    """
    sibling = nearest(key, section_keys)
    if sibling:
        return f"{section}.{sibling}" if section else sibling
    path_of_key: dict[str, str] = {}
    for path in all_paths:
        path_of_key.setdefault(path.rpartition(".")[2], path)
    found = nearest(key, path_of_key)
    return path_of_key[found] if found else None
