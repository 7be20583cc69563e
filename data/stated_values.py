"""What an item states of the attributes by which items are compared."""

import re
import zlib
from functools import cache

from data.attributes import clean_text
from data.item import Item
from data.options import ComparedAttributes

NOT_STATED = -1
"""In the place of the digest of an attribute that an item does not state."""
NOTHING = "(?!)"
"""Pattern that is found nowhere."""


def value_digests(item: Item, compared: ComparedAttributes) -> list[int]:
    """Return the CRC-32 of the values of each attribute, in whatever order the item has them, or NOT_STATED."""
    stated = (
        item.attributes.get(clean_text(name)) or _in_title(item.title, compared.in_title.get(name, ()))
        for name in compared.names
    )
    return [_digest(values) if values else NOT_STATED for values in stated]


def _digest(values: tuple[str, ...]) -> int:
    return zlib.crc32(",".join(sorted(values)).encode("utf-8", "surrogatepass"))


def _in_title(title: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the one of some values that a title has; none where it has several."""
    found = {*_any_of(values).findall(clean_text(title))} if values else set()
    return tuple(found) if len(found) == 1 else ()


@cache
def _any_of(values: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds values in a text, longer ones first and not inside of words of Latin letters and digits."""
    longest_first = sorted(filter(None, map(clean_text, values)), key=len, reverse=True)
    either = "|".join(map(re.escape, longest_first)) or NOTHING
    return re.compile(rf"(?<![a-z0-9])(?:{either})(?![a-z0-9])")
