"""How many tokens the texts of a split have, and how many of them the model does not read."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data.tokenizer import Tokenizer
from tools.preparation.audit.finding import Finding, Severity

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
