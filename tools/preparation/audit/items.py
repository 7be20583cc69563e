"""The items of a split: the readable lines of their file, and what can be wrong with them."""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from data.item import Item, clean_text, item_text, names_read
from data.item_catalog import ItemFields, item_fields
from data.jsonl import Record, id_field
from data.options import Modalities, ReadAttributes
from options.printable import quoted
from tools.preparation.audit.finding import FileFindings, readable_lines
from tools.preparation.audit.statements import NOTATION, is_blank, lost_part, misread, seen, unread

LONGEST_TITLE = 10_000
"""Characters above which a title is suspicious."""
KEYS = ("item_id", "title", "item_pvs", "sku_pvs", "cate_name", "item_image_name")
UNREAD_KEYS = ("industry_name", "cate_id", "cate_id_path", "cate_name_path")
"""Of the published files."""
SIGNS = {
    "title-control-signs": re.compile("[\x00-\x1f\x7f-\x9f]"),
    "title-bidi-marks": re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"),
    "title-html": re.compile(r"</?[A-Za-z][^<>]{0,200}>|&(?:[A-Za-z]{2,8}|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,6});"),
}
SPREADSHEET_NUMBER = re.compile(r"[0-9](?:[.,][0-9]+)?[Ee][+-][0-9]{2,3}")
"""What a spreadsheet makes of a long number, whose last digits are lost."""
NOT_READABLE = "\ufffd"
"""Stands for what was no character: half of one, or bytes that a program could not read."""

Remark = tuple[str, str]
"""Kind and message of what is found in an item."""


class ItemLine(NamedTuple):
    """A readable line."""

    number: int
    fields: ItemFields
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


def read_item_lines(found: FileFindings, lines: dict[str, int], *, has_images: bool) -> Iterator[ItemLine]:
    """Yield the first line of every item, and report the lines that cannot be read or repeat an id.

    Args:
        found: takes what is found; its file is read.
        lines: is filled with the line of every id that could be read, be the line otherwise malformed.
        has_images: whether images are read, which items then have to name.
    """

    def parse(number: int, record: Record) -> ItemLine:
        lines.setdefault(id_field(found.file, number, record, "item_id"), number)
        fields = item_fields(found.file, number, record, has_image=has_images)
        return ItemLine(number, fields, fields.item())

    for number, line in readable_lines(found, parse, "item", KEYS, UNREAD_KEYS):
        item_id = line.item.item_id
        if lines[item_id] == number:
            yield line
        else:
            message = f"item {quoted(item_id)} was already on line {lines[item_id]}"
            found.add("item-repeated", number, message, item_id)
    alike = {sight: item_id for item_id in lines if (sight := seen(item_id)) != item_id}
    for item_id, number in lines.items():
        twin = alike.get(seen(item_id), item_id) if alike else item_id
        if twin != item_id:
            message = f"items {quoted(twin)} and {quoted(item_id)} have ids that differ by white space or width alone"
            found.add("item-id-alike", number, message, twin, item_id)


def digest(line: ItemLine, is_paired: bool) -> ItemDigest:
    """Return what is kept of a line."""
    item = line.item
    text = item_text(item, sorted(item.attributes))
    content = _hash(repr(item.content))
    return ItemDigest(item.item_id, line.number, item.image, content, _hash(text) if text else None, is_paired)


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def item_remarks(line: ItemLine, reads: Modalities, attributes: ReadAttributes) -> Iterator[Remark]:
    """Yield what is suspicious in an item.

    Args:
        line: of the item file.
        reads: what the model reads.
        attributes: whose values follow the title in an item's text.
    """
    item, fields = line.item, line.fields
    if SPREADSHEET_NUMBER.fullmatch(item.item_id.strip()):
        message = f"{quoted(item.item_id)} is a number as a spreadsheet shortens it; take ids from the source"
        yield "item-id-shortened", message
    if not item.category:
        yield "item-no-category", "has no 'cate_name'"
    if reads.text:
        yield from _text_remarks(item, attributes)
    elif not reads.attributes:
        return
    for key, text in (("title", fields.title), ("item_pvs", fields.item_pvs), ("sku_pvs", fields.sku_pvs)):
        if NOT_READABLE in text:
            yield "item-damaged", f"has half a character or an unreadable one in {key!r}: {quoted(text)}"
    notations = (fields.item_pvs, fields.sku_pvs)
    read = (*(names_read(item, attributes) if reads.text else ()), *reads.attributes.names)
    names = {seen(name).lower(): name for name in map(clean_text, read)}
    lost = lost_part(item, notations)
    if lost is not None:
        yield "attribute-lost", f"{quoted(lost)} is no key:value and is passed over"
    messages = [message for text in notations for message in misread(text, lost)]
    if lost is None and not messages:
        messages = [message for text in notations for message in unread(item, text, names)]
    yield from (("attribute-misread", message) for message in messages)
    other = next((text for text in notations if not NOTATION.fullmatch(text)), None)
    if other is not None and lost is None and not messages:
        yield "attribute-notation", f"{quoted(other)} is read, but not written as #key#:#value#;"


def _text_remarks(item: Item, attributes: ReadAttributes) -> Iterator[Remark]:
    if is_blank(re.sub("[;,]", "", item_text(item, attributes))):
        yield "item-no-text", "has neither a title nor a value of data.text.attributes"
    elif is_blank(clean_text(item.title)):
        yield "item-no-title", "has no 'title'"
    if len(item.title) > LONGEST_TITLE:
        yield "title-huge", f"has a title of {len(item.title):,} characters: {quoted(item.title)}"
    for kind, signs in SIGNS.items():
        if found := signs.search(item.title):
            around = item.title[max(found.start() - 20, 0) : found.end() + 20]
            yield kind, f"{quoted(found[0])} in the title: {quoted(around)}"
    if not item.attributes:
        yield "item-no-attributes", "has no attributes"
