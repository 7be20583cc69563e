"""What a reader sees stated in attribute strings, and what of it the reading of training passes over."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from data.item import Item, clean_text
from options.printable import quoted

MARKED = re.compile(r"#([^#]*)#\s*:\s*#([^#]*)#")
"""A statement by its marks."""
PLAIN = re.compile(r"(?:#[\w./()（）-]+#:#[\w\s./%,，、+()（）*&'-]*#(?:;|\s*\Z))*\s*")
"""The notation where nothing in it can be taken for a mark: most strings, and quickly told."""
NOTATION = re.compile(r"(?:#[^#]*#:#[^#]*#(?:;|\s*\Z))*\s*")
"""The notation that is read as it is written."""


def seen(text: str) -> str:
    """Return a text in one width, without white space and what is not seen: equal for what looks alike."""
    if text.isascii() and text.isprintable():
        return text.replace(" ", "")
    return "".join(filter(_is_seen, _in_one_width(text)))


def is_blank(text: str) -> bool:
    """Tell whether nothing is seen of a text."""
    return not any(map(_is_seen, text))


def _in_one_width(text: str) -> str:
    # Sign by sign, since a long run of combining marks takes quadratic time.
    return "".join(unicodedata.normalize("NFKC", sign) for sign in text)


def _is_seen(sign: str) -> bool:
    return unicodedata.category(sign)[0] not in "CZ"


def losses(item: Item, notation: str, names: Mapping[str, str]) -> Iterator[str]:
    """Yield what an attribute string states and nothing reads, as messages.

    Args:
        item: the item, as it is read.
        notation: its item_pvs or sku_pvs.
        names: cleaned names of the attributes that are read, by what is seen of them.
    """
    if PLAIN.fullmatch(notation):
        return
    text = _in_one_width(notation)
    loose = MARKED.sub(";", text).replace("#", "").split(";")
    kept = _form(";".join(map(",".join, item.attributes.values())))
    within = [(part, False) for part in clean_text(notation).split(";")]
    for part, is_loose in [*within, *((part, True) for part in loose)]:
        name, colon, _ = part.partition(":")
        is_kept = is_loose and _form(part).strip(":,") in kept
        if not (is_blank(part) or (colon and not is_blank(name)) or is_kept):
            yield f"no key:value, so passed over: {quoted(part)}"
    marked = [(found[1], found[2], found[0]) for found in MARKED.finditer(text)]
    for name, value, whole in [*marked, *((*part.partition(":")[::2], part) for part in loose)]:
        key = names.get(_form(clean_text(name)))
        values = ",".join(item.attributes.get(key, ())) if key is not None else ""
        if key is not None and _form(clean_text(value)) not in _form(values):
            yield f"of {key!r} {quoted(values) if values else 'nothing'} is read: {quoted(whole)}"


def _form(text: str) -> str:
    # In lower case once more, as '™' becomes 'TM' in the text.
    return seen(text).lower()
