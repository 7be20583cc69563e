"""A split whose items and pairs have been read: what is wrong with its items, and what is kept of them."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tqdm import tqdm

from data.item import item_text
from data.options import SplitOptions
from data.tokenizer import Tokenizer
from engine.experiment import ExperimentOptions
from options.printable import quoted
from tools.preparation.audit.finding import Finding, FindingLog, Severity
from tools.preparation.audit.items import ItemDigest, ItemLine, category_remarks, digest, read_item_lines, text_remarks
from tools.preparation.audit.pairs import PairLines, dangling_ids
from tools.preparation.audit.token_lengths import TokenCounts, TokenLengths, token_findings


@dataclass(frozen=True, slots=True)
class AuditedSplit:
    """A split whose items and pairs have been read."""

    name: str
    """train | val | test"""
    files: SplitOptions
    pairs: PairLines
    items: list[ItemDigest]
    """The items that are this split's: not those of a shared file that the pairs of another split alone name."""
    num_items: int
    """Readable items of the file."""
    num_paired: int
    """Items that the pairs name."""
    tokens: TokenCounts | None
    """None where the model reads no text."""


@dataclass(frozen=True, slots=True)
class ItemReading:
    """What the items of every split are read with."""

    options: ExperimentOptions
    tokenizer: Tokenizer | None
    """One that cuts nothing; None where the model reads no text."""
    log: FindingLog


def audit_items(
    split: str, files: SplitOptions, pairs: PairLines, elsewhere: AbstractSet[str], reading: ItemReading
) -> AuditedSplit:
    """Read a split's item file, report what is found, and return what is kept.

    An item that no pair names ends no run, so that all that is found in it counts as a note.

    Args:
        split: name of the split.
        files: of the split.
        pairs: of the split; without any (where the file cannot be read, say) all items count as named by pairs.
        elsewhere: ids that the pairs of other splits with the same item file name.
        reading: options, tokenizer and log.
    """
    log, text = reading.log, reading.options.data.text
    lines: dict[str, int] = {}
    items: list[ItemDigest] = []
    contents: dict[bytes, str] = {}
    num_items = 0
    lengths = TokenLengths(reading.tokenizer, text.max_tokens) if reading.tokenizer else None
    for line in tqdm(
        read_item_lines(split, files.items, lines, log.add), desc=f"{split} items", unit="item", leave=False
    ):
        num_items += 1
        item_id = line.item.item_id
        if item_id in elsewhere and item_id not in pairs.numbers:
            continue
        is_paired = item_id in pairs.numbers or not pairs
        kept = digest(line, is_paired)
        items.append(kept)
        log.extend(_item_findings(split, files, line, is_paired, reading))
        twin = contents.setdefault(kept.content, item_id)
        if twin != item_id:
            severity = Severity.WARNING if is_paired else Severity.NOTE
            message = f"items {quoted(twin)} and {quoted(item_id)} are equal in all but the id"
            log.add(Finding("item-equal", severity, split, files.items, line.number, message, (twin, item_id)))
        if lengths is not None and is_paired:
            lengths.add(item_text(line.item, text.attributes))
    if lines:  # else the file is missing, which has been said
        log.extend(dangling_ids(split, pairs, lines))
    tokens = lengths.counts() if lengths is not None else None
    if tokens is not None:
        log.extend(token_findings(split, files.items, tokens, text.max_tokens))
    return AuditedSplit(split, files, pairs, items, num_items, len(pairs.numbers.keys() & lines.keys()), tokens)


def _item_findings(
    split: str, files: SplitOptions, line: ItemLine, is_paired: bool, reading: ItemReading
) -> Iterator[Finding]:
    item_id = line.item.item_id
    name = f"item {quoted(item_id)}"
    if not is_paired:
        message = f"{name} is named by no pair, so nothing reads it"
        yield Finding("item-unpaired", Severity.NOTE, split, files.items, line.number, message, (item_id,))
    remarks = [*category_remarks(line)]
    if reading.tokenizer is not None:
        remarks += text_remarks(line, reading.options.data.text.attributes)
    for kind, severity, message in remarks:
        severity = severity if is_paired else Severity.NOTE
        yield Finding(kind, severity, split, files.items, line.number, f"{name}: {message}", (item_id,))
