"""A split whose items and pairs have been read: what is wrong with its items, and what is kept of them."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from data.item import item_text
from data.named_attributes import NamedAttributes
from data.options import SplitOptions
from data.tokenizer import Tokenizer
from engine.experiment import ExperimentOptions
from options.printable import quoted
from tools.preparation.audit.finding import Finding, FindingLog, Severity
from tools.preparation.audit.items import (
    ItemDigest,
    ItemLine,
    attribute_remarks,
    category_remarks,
    digest,
    id_remarks,
    read_item_lines,
    text_remarks,
)
from tools.preparation.audit.pairs import PairLines, dangling_ids

BLOCK = 1000
"""Texts that are tokenised together."""
UNTRIMMED = min(sys.maxsize, 2**31 - 1)
"""A bound on the number of tokens that no text reaches."""
MANY_UNKNOWN = 0.1
"""Share of unknown tokens above which the tokenizer hardly fits the texts."""


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Figures of the texts of a split; [CLS] and [SEP] count as tokens."""

    median: float
    percentile_95: float
    longest: int
    share_texts_cut: float
    """Of texts longer than data.text.max_tokens."""
    share_tokens_cut: float
    share_unknown: float
    """Of tokens that stand for what the vocabulary lacks."""


@dataclass(slots=True)
class TokenLengths:
    """Counts the tokens of texts, given one at a time."""

    tokenizer: Tokenizer
    """One that cuts nothing."""
    max_tokens: int
    lengths: array[int] = field(default_factory=lambda: array("q"))
    num_unknown: int = 0
    _texts: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Count a text, now or with later ones."""
        self._texts.append(text)
        if len(self._texts) == BLOCK:
            self._count()

    def counts(self) -> TokenCounts | None:
        """Return the figures of all texts added; None without any."""
        self._count()
        if not self.lengths:
            return None
        lengths = np.asarray(self.lengths)
        cut = np.maximum(lengths - self.max_tokens, 0)
        return TokenCounts(
            median=float(np.median(lengths)),
            percentile_95=float(np.percentile(lengths, 95)),
            longest=int(lengths.max()),
            share_texts_cut=float((cut > 0).mean()),
            share_tokens_cut=float(cut.sum() / lengths.sum()),
            share_unknown=float(self.num_unknown / lengths.sum()),
        )

    def _count(self) -> None:
        unknown = self.tokenizer.unknown_id
        for ids in self.tokenizer(self._texts) if self._texts else ():
            self.lengths.append(len(ids))
            self.num_unknown += ids.count(unknown) if unknown is not None else 0
        self._texts.clear()


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
    named = NamedAttributes(text, reading.options.reads)
    lengths = TokenLengths(reading.tokenizer, text.max_tokens) if reading.tokenizer else None
    for line in tqdm(
        read_item_lines(split, files.items, lines, log.add, has_images=reading.options.reads.image),
        desc=f"{split} items",
        unit="item",
        leave=False,
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
        if is_paired:
            named.add(line.item)
        if lengths is not None and is_paired:
            lengths.add(item_text(line.item, text.attributes))
    if lines:  # else the file is missing, which has been said
        log.extend(dangling_ids(split, pairs, lines))
    log.extend(named_attribute_findings(split, files.items, named))
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
    options, reads = reading.options, reading.options.reads
    text = text_remarks(line, options.data.text.attributes) if reads.text else ()
    attributes = attribute_remarks(line) if reads.text or reads.attributes else ()
    for kind, severity, message in (*id_remarks(line), *category_remarks(line), *text, *attributes):
        severity = severity if is_paired else Severity.NOTE
        yield Finding(kind, severity, split, files.items, line.number, f"{name}: {message}", (item_id,))


def named_attribute_findings(split: str, file: Path, named: NamedAttributes) -> Iterator[Finding]:
    """Yield the options whose attribute names hardly any paired item of a split has."""
    for is_fault, message in named.remarks():
        severity = Severity.FAULT if is_fault and split == "train" else Severity.WARNING
        kind = "attribute-absent" if is_fault else "attribute-rare"
        yield Finding(kind, severity, split, file, None, message)


def token_findings(split: str, file: Path, counts: TokenCounts, max_tokens: int) -> Iterator[Finding]:
    """Yield what the figures of a split's texts show."""
    if counts.share_texts_cut:
        message = (
            f"{counts.share_texts_cut:.1%} of the texts are longer than data.text.max_tokens={max_tokens}, "
            f"{counts.share_tokens_cut:.1%} of all tokens are cut off"
        )
        yield Finding("texts-cut", Severity.NOTE, split, file, None, message)
    if counts.share_unknown > MANY_UNKNOWN:
        message = f"{counts.share_unknown:.1%} of the tokens are unknown to the vocabulary of data.text.tokenizer"
        yield Finding("tokens-unknown", Severity.WARNING, split, file, None, message)
