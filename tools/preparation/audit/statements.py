"""What a reader sees stated in attribute strings, and what of it the reading of training passes over."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from data.item import Item, clean_text, parse_attributes
from options.printable import quoted, shortened

MARKED = re.compile(r"#([^#]*)#\s*:\s*#([^#]*)#")
"""A statement by its marks."""
PLAIN = re.compile(r"(?:#[\w./()（）-]+#:#[\w\s./%,，、+()（）*&'-]*#(?:;|\s*\Z))*\s*")
"""The notation where nothing in it can be taken for a mark: most strings, and quickly told."""
NOTATION = re.compile(r"(?:#[^#]*#:#[^#]*#(?:;|\s*\Z))*\s*")
"""The notation that is read as it is written."""

WRITTEN = re.compile(
    r"[#＃﹟](?P<name>[^#＃﹟]*)[#＃﹟]\s*[:：﹕]\s*[#＃﹟](?P<value>[^#＃﹟]*)[#＃﹟](?=\s*(?:[;；﹔#＃﹟]|\Z))"
)
"""One attribute as its seller means it, be its signs of whatever width."""
LONGEST_READ = 300
"""Signs that are shown of what is read instead."""


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


def lost_part(item: Item, notations: Sequence[str]) -> str | None:
    """Return the first part of an item's attribute strings that has no name or is no key:value."""
    kept = _form(";".join(map(",".join, item.attributes.values())))
    for notation in notations:
        if PLAIN.fullmatch(notation):
            continue
        parts = [part for part in _loose_parts(notation) if _form(part).strip(":,") not in kept]
        for part in (*clean_text(notation).split(";"), *parts):
            name, colon, _ = part.partition(":")
            if not is_blank(part) and (is_blank(name) or not colon):
                return part
    return None


def unread(item: Item, notation: str, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the statements of attributes that are read, of which a part is not; names are cleaned, by their form."""
    if PLAIN.fullmatch(notation):
        return
    marked = ((found[1], found[2], found[0]) for found in MARKED.finditer(_in_one_width(notation)))
    for name, value, whole in (*marked, *((*part.partition(":")[::2], part) for part in _loose_parts(notation))):
        key = names.get(_form(clean_text(name)))
        values = ",".join(item.attributes.get(key, ())) if key is not None else ""
        if key is not None and _form(clean_text(value)) not in _form(values):
            yield f"of {key!r} {quoted(values) if values else 'nothing'} is read: {quoted(whole)}"


def _loose_parts(notation: str) -> list[str]:
    return MARKED.sub(";", _in_one_width(notation)).replace("#", "").split(";")


def _form(text: str) -> str:
    # In lower case once more, as '™' becomes 'TM' in the text.
    return seen(text).lower()


def misread(text: str, lost: str | None) -> Iterator[str]:
    """Yield what is said of each #key#:#value# that is read as something else, but for one that has the lost part."""
    read = {name: dict.fromkeys(values) for name, values in parse_attributes(text, "").items()}
    end = 0
    for segment in WRITTEN.finditer(text):
        between, end = text[end : segment.start()], segment.end()
        blanks = between[len(between.rstrip()) :]
        name, value = clean_text(blanks + segment["name"]), clean_text(segment["value"])
        plain = "".join(sign for sign in name if unicodedata.category(sign) != "Cf").strip()
        is_read = name == plain and value in read.get(name, ())
        if is_read or not value.strip() or (lost is not None and lost in clean_text(segment[0])):
            continue
        alone = parse_attributes(blanks + segment[0], "").items()
        entries = [(key, each) for key, values in alone for each in values if each in read.get(key, ())]
        entries = entries or [(name, each) for each in islice(read.get(name, ()), 1)]
        shown = shortened(", ".join(f"{quoted(key)}: {quoted(each)}" for key, each in entries), LONGEST_READ)
        instead = f"is read as {shown}, not as {quoted(plain)}: {quoted(value)}" if entries else "is passed over"
        yield f"{quoted(segment[0])} {instead}"
