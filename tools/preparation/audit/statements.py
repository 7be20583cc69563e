"""What a reader sees stated in attribute strings, and what of it the reading of training passes over."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from data.item import Item, clean_text
from options.printable import quoted

MARKED = re.compile(r"#([^#]*)#\s*:\s*#([^#]*)#")
"""A statement by its marks."""
NOTATION = re.compile(r"(?:#[^#]*#:#[^#]*#(?:;|\s*\Z))*\s*")
"""The notation that is read as it is written."""


def seen(text: str) -> str:
    """Return a text in one width, without white space and what is not seen: equal for what looks alike."""
    return "".join(filter(_is_seen, unicodedata.normalize("NFKC", text)))


def is_blank(text: str) -> bool:
    """Tell whether nothing is seen of a text."""
    return not any(map(_is_seen, text))


def _is_seen(sign: str) -> bool:
    return unicodedata.category(sign)[0] not in "CZ"


def losses(item: Item, notation: str, names: Mapping[str, str]) -> Iterator[str]:
    """Yield what an attribute string states and nothing reads, as messages.

    Args:
        item: the item, as it is read.
        notation: its item_pvs or sku_pvs.
        names: cleaned names of the attributes that are read, by what is seen of them.
    """
    for part in clean_text(notation).split(";"):
        name, colon, _ = part.partition(":")
        if not is_blank(part) and (is_blank(name) or not colon):
            yield f"{quoted(part)} is no key:value and is passed over"
    for name, value, text in _statements(notation):
        key = names.get(seen(name).lower())
        values = ",".join(item.attributes.get(key, ())) if key is not None else ""
        # Once more in lower case, as '™' becomes 'TM' in the text.
        if key is not None and seen(clean_text(value)).lower() not in seen(values).lower():
            yield f"of {quoted(text)} {quoted(values) if values else 'nothing'} is read as {key!r}"


def _statements(notation: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and the whole of each statement: by the marks, and between marked ones by ; and :."""
    text = unicodedata.normalize("NFKC", notation)
    for found in MARKED.finditer(text):
        yield found[1], found[2], found[0]
    for part in MARKED.sub(";", text).split(";"):
        name, _, value = part.replace("#", "").partition(":")
        yield name, value, part
