"""The readable lines of an item file."""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from data.item import Item
from data.item_fields import item_fields
from data.item_text import item_text
from data.jsonl import DataError, Record, id_field, read_records_or_faults
from options.printable import quoted
from tools.preparation.audit.finding import Finding, Severity
from tools.preparation.audit.pair_lines import unreadable_file


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
    split: str, file: Path, lines: dict[str, int], report: Callable[[Finding], None]
) -> Iterator[ItemLine]:
    """Yield the first line of every item, and report the lines that cannot be read or repeat an id.

    Args:
        split: name of the split.
        file: item file.
        lines: is filled with the line of every id that could be read, be the line otherwise malformed.
        report: is told what was found.
    """
    is_empty = True
    try:
        for number, record in read_records_or_faults(file):
            is_empty = False
            try:
                if isinstance(record, DataError):
                    raise record
                item_id = id_field(file, number, record, "item_id")
                earlier = lines.setdefault(item_id, number)
                item = item_fields(file, number, record).item()
            except DataError as fault:
                report(Finding("item-malformed", Severity.FAULT, split, file, number, fault.reason))
                continue
            if earlier == number:
                yield ItemLine(number, record, item)
            else:
                message = f"item {quoted(item_id)} was already on line {earlier}"
                report(Finding("item-repeated", Severity.FAULT, split, file, number, message, (item_id,)))
    except DataError as fault:
        report(unreadable_file(split, file, fault))
        return
    if is_empty:
        report(Finding("file-empty", Severity.FAULT, split, file, None, "has no items"))


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
