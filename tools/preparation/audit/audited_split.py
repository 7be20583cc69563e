"""A split whose items and pairs have been read: what is wrong with its items, and what is kept of them."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import islice

from tqdm import tqdm

from data.item import item_text
from data.named_attributes import NamedAttributes
from data.options import SplitOptions
from data.tokenizer import Tokenizer
from engine.experiment import ExperimentOptions
from options.printable import quoted
from tools.preparation.audit.finding import FileFindings, Severity
from tools.preparation.audit.items import ItemDigest, ItemLine, digest, item_remarks, read_item_lines
from tools.preparation.audit.pairs import PairLines, report_dangling

BLOCK = 1000
"""Lines whose texts are tokenised together."""
UNTRIMMED = min(sys.maxsize, 2**31 - 1)
"""A bound on the number of tokens that no text reaches."""
MANY_UNKNOWN = 0.1
"""Share of unknown tokens above which the tokenizer hardly fits the texts."""


@dataclass(slots=True)
class AuditedSplit:
    """A split whose pairs have been read, and its items."""

    name: str
    """train | val | test"""
    files: SplitOptions
    pairs: PairLines
    """Without any (where the file cannot be read, say) all items count as named by pairs."""
    items: list[ItemDigest] = field(default_factory=list)
    """The items that are this split's: not those of a shared file that the pairs of another split alone name."""
    num_items: int = 0
    """Readable items of the file."""
    num_paired: int = 0
    """Items that the pairs name."""
    token_lengths: array[int] = field(default_factory=lambda: array("q"))
    """Tokens of each text that is read, [CLS] and [SEP] among them."""
    num_unknown: int = 0
    """Tokens that stand for what the vocabulary lacks."""

    def names(self, line: ItemLine) -> bool:
        """Tell whether a pair names the item of a line."""
        return line.item.item_id in self.pairs.numbers or not self.pairs


def audit_items(
    split: AuditedSplit,
    elsewhere: AbstractSet[str],
    found: FileFindings,
    options: ExperimentOptions,
    tokenizer: Tokenizer | None,
) -> None:
    """Read a split's item file, report what is found, and add to the split what is kept.

    An item that no pair names ends no run, so that all that is found in it counts as a note.

    Args:
        split: of which the pairs are known.
        elsewhere: ids that the pairs of other splits with the same item file name.
        found: takes what is found in the item file.
        options: a whole option file.
        tokenizer: one that cuts nothing; None where the model reads no text.
    """
    lines: dict[str, int] = {}
    contents: dict[bytes, str] = {}
    named = NamedAttributes(options.data.text, options.reads)
    read = read_item_lines(found, lines, has_images=options.reads.image)
    shown = iter(tqdm(read, f"{split.name} items", unit="item", leave=False, disable=None))
    while block := list(islice(shown, BLOCK)):
        split.num_items += len(block)
        paired = [line for line in block if split.names(line)]
        for line in block:
            if split.names(line) or line.item.item_id not in elsewhere:
                split.items.append(digest(line, split.names(line)))
                _report_item(found, line, split.items[-1], contents, options)
        for line in paired:
            named.add(line.item)
        if tokenizer is not None and paired:
            _count_tokens(split, paired, found, options, tokenizer)
    split.num_paired = len(split.pairs.numbers.keys() & lines.keys())
    if lines:  # else the file is missing, which has been said
        report_dangling(split.pairs, lines, replace(found, file=split.files.pairs))
    for is_fault, message in named.remarks():
        ends = Severity.FAULT if is_fault and split.name == "train" else Severity.WARNING
        found.add("attribute-absent" if is_fault else "attribute-rare", None, message, severity=ends)
    if split.num_unknown > MANY_UNKNOWN * sum(split.token_lengths):
        share = split.num_unknown / sum(split.token_lengths)
        message = f"{share:.1%} of the tokens are unknown to the vocabulary of data.text.tokenizer"
        found.add("tokens-unknown", None, message)


def _report_item(
    found: FileFindings, line: ItemLine, item: ItemDigest, contents: dict[bytes, str], options: ExperimentOptions
) -> None:
    name, severity = f"item {quoted(item.item_id)}", None if item.is_paired else Severity.NOTE
    if not item.is_paired:
        found.add("item-unpaired", line.number, f"{name} is named by no pair, so nothing reads it", item.item_id)
    for kind, message in item_remarks(line, options.reads, options.data.text.attributes):
        found.add(kind, line.number, f"{name}: {message}", item.item_id, severity=severity)
    twin = contents.setdefault(item.content, item.item_id)
    if twin != item.item_id:
        message = f"items {quoted(twin)} and {quoted(item.item_id)} are equal in all but the id"
        found.add("item-equal", line.number, message, twin, item.item_id, severity=severity)


def _count_tokens(
    split: AuditedSplit, lines: list[ItemLine], found: FileFindings, options: ExperimentOptions, tokenizer: Tokenizer
) -> None:
    text, unknown = options.data.text, tokenizer.unknown_id
    for line, ids in zip(lines, tokenizer([item_text(line.item, text.attributes) for line in lines]), strict=True):
        split.token_lengths.append(len(ids))
        split.num_unknown += ids.count(unknown) if unknown is not None else 0
        if len(ids) > text.max_tokens:
            message = f"has a text of {len(ids):,} tokens, of which data.text.max_tokens={text.max_tokens} are read"
            found.add("text-cut", line.number, f"item {quoted(line.item.item_id)} {message}", line.item.item_id)
