"""The items of a split: the readable lines of their file, and what can be wrong with them."""

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from data.item import Item, clean_text, item_text
from data.item_catalog import item_fields
from data.jsonl import Record, id_field
from options.printable import quoted
from tools.preparation.audit.finding import Finding, Severity, readable_lines

LONGEST_TITLE = 10_000
"""Characters above which a title is suspicious."""
NOTATION = re.compile(r"\s*(?:#[^#]*#:#[^#]*#(?:;\s*|\s*\Z))*")
ATTRIBUTES = ("item_pvs", "sku_pvs")
"""Fields of attributes."""
SIGNS = {
    "title-control-signs": re.compile("[\x00-\x1f\x7f-\x9f]"),
    "title-bidi-marks": re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"),
    "title-html": re.compile(r"</?[A-Za-z][^<>]{0,200}>|&(?:[A-Za-z]{2,8}|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,6});"),
}

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
    yield from _attribute_remarks([value for key in ATTRIBUTES if isinstance(value := line.record.get(key), str)])


def _attribute_remarks(texts: Sequence[str]) -> Iterator[Remark]:
    parts = (part for text in texts for part in clean_text(text).split(";"))
    lost = next((part for part in parts if part.strip() and not _has_name(part)), None)
    other = next((text for text in texts if not NOTATION.fullmatch(text)), None)
    if lost is not None:
        yield "attribute-lost", Severity.WARNING, f"{quoted(lost)} is no key:value and is passed over"
    elif other is not None:
        yield "attribute-notation", Severity.NOTE, f"{quoted(other)} is read, but not written as #key#:#value#;"


def _has_name(part: str) -> bool:
    name, colon, _ = part.partition(":")
    return bool(name.strip() and colon)
