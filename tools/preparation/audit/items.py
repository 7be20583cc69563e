"""The items of a split: the readable lines of their file, and what can be wrong with them."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from data.item import Item, clean_text, item_text, parse_attributes
from data.item_catalog import item_fields
from data.jsonl import Record, id_field
from options.printable import quoted, shortened
from tools.preparation.audit.finding import Finding, Severity, readable_lines

LONGEST_TITLE = 10_000
"""Characters above which a title is suspicious."""
NOTATION = re.compile(r"\s*(?:#[^#]*#:#[^#]*#(?:;\s*|\s*\Z))*")
WRITTEN = re.compile(
    r"[#＃﹟](?P<name>[^#＃﹟]*)[#＃﹟]\s*[:：﹕]\s*[#＃﹟](?P<value>[^#＃﹟]*)[#＃﹟](?=\s*(?:[;；﹔#＃﹟]|\Z))"
)
"""One attribute as its seller means it, be its signs of whatever width."""
LONGEST_READ = 300
"""Signs that are shown of what is read instead."""
ATTRIBUTES = ("item_pvs", "sku_pvs")
"""Fields of attributes."""
SIGNS = {
    "title-control-signs": re.compile("[\x00-\x1f\x7f-\x9f]"),
    "title-bidi-marks": re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"),
    "title-html": re.compile(r"</?[A-Za-z][^<>]{0,200}>|&(?:[A-Za-z]{2,8}|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,6});"),
}

SPREADSHEET_NUMBER = re.compile(r"[0-9](?:[.,][0-9]+)?[Ee][+-][0-9]{2,3}")
"""What a spreadsheet makes of a long number, whose last digits are lost."""

Remark = tuple[str, Severity, str]
"""Kind, severity and message of what is found in an item."""


class ItemLine(NamedTuple):
    """A readable line."""

    number: int
    record: Record
    item: Item


class ItemDigest(NamedTuple):
    """What is kept of an item: enough to recognise it elsewhere."""

    item_id: str
    line: int
    image: str
    """Name of the file."""
    content: bytes
    """Hash of all but the id."""
    text: bytes | None
    """Hash of the cleaned title and attributes; None where there are none."""
    is_paired: bool


def read_item_lines(
    split: str, file: Path, lines: dict[str, int], report: Callable[[Finding], None], *, has_images: bool = True
) -> Iterator[ItemLine]:
    """Yield the first line of every item, and report the lines that cannot be read or repeat an id.

    Args:
        split: name of the split.
        file: item file.
        lines: is filled with the line of every id that could be read, be the line otherwise malformed.
        report: is told what was found.
        has_images: whether images are read, which items then have to name.
    """

    def parse(number: int, record: Record) -> ItemLine:
        lines.setdefault(id_field(file, number, record, "item_id"), number)
        return ItemLine(number, record, item_fields(file, number, record, has_image=has_images).item())

    for number, line in readable_lines(split, file, parse, report, malformed="item-malformed", empty="has no items"):
        item_id = line.item.item_id
        if lines[item_id] == number:
            yield line
        else:
            message = f"item {quoted(item_id)} was already on line {lines[item_id]}"
            report(Finding("item-repeated", Severity.FAULT, split, file, number, message, (item_id,)))


def digest(line: ItemLine, is_paired: bool) -> ItemDigest:
    """Return what is kept of a line."""
    item = line.item
    text = item_text(item, sorted(item.attributes))
    return ItemDigest(
        item_id=item.item_id,
        line=line.number,
        image=item.image,
        content=_hash(repr(item.content)),
        text=_hash(text) if text else None,
        is_paired=is_paired,
    )


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def id_remarks(line: ItemLine) -> Iterator[Remark]:
    """Yield whether the id is a number that a spreadsheet has cut, so that several items may have become one."""
    if SPREADSHEET_NUMBER.fullmatch(line.item.item_id.strip()):
        message = f"{quoted(line.item.item_id)} is a number as a spreadsheet shortens it; take ids from the source"
        yield "item-id-shortened", Severity.WARNING, message


def category_remarks(line: ItemLine) -> Iterator[Remark]:
    """Yield whether the category is absent, which no model reads."""
    if not line.item.category:
        yield "item-no-category", Severity.NOTE, "has no 'cate_name'"


def text_remarks(line: ItemLine, attributes: Sequence[str]) -> Iterator[Remark]:
    """Yield what is suspicious in the parts of an item that its text is made of.

    Args:
        line: of the item file.
        attributes: names whose values the model reads.
    """
    item = line.item
    if not item_text(item, attributes).strip():
        yield "item-no-text", Severity.WARNING, "has neither a title nor a value of data.text.attributes"
    elif not item.title.strip():
        yield "item-no-title", Severity.WARNING, "has no 'title'"
    if len(item.title) > LONGEST_TITLE:
        message = f"has a title of {len(item.title):,} characters: {quoted(item.title)}"
        yield "title-huge", Severity.WARNING, message
    for kind, signs in SIGNS.items():
        if found := signs.search(item.title):
            start = max(found.start() - 20, 0)
            yield (
                kind,
                Severity.NOTE,
                f"{quoted(found[0])} in the title: {quoted(item.title[start : found.end() + 20])}",
            )
    if not item.attributes:
        yield "item-no-attributes", Severity.NOTE, "has no attributes"


def attribute_remarks(line: ItemLine) -> Iterator[Remark]:
    """Yield what an item's attributes lose, or are not written as."""
    texts = [value for key in ATTRIBUTES if isinstance(value := line.record.get(key), str)]
    parts = (part for text in texts for part in clean_text(text).split(";"))
    lost = next((part for part in parts if part.strip() and not _has_name(part)), None)
    misread = [message for text in texts for message in _misread(text, lost)]
    other = next((text for text in texts if not NOTATION.fullmatch(text)), None)
    if lost is not None:
        yield "attribute-lost", Severity.WARNING, f"{quoted(lost)} is no key:value and is passed over"
    for message in misread:
        yield "attribute-misread", Severity.WARNING, message
    if other is not None and lost is None and not misread:
        yield "attribute-notation", Severity.NOTE, f"{quoted(other)} is read, but not written as #key#:#value#;"


def _misread(text: str, lost: str | None) -> Iterator[str]:
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


def _has_name(part: str) -> bool:
    name, colon, _ = part.partition(":")
    return bool(name.strip() and colon)
