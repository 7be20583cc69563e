"""What is kept of a split while the others are read."""

from dataclasses import dataclass

from data.options import SplitOptions
from tools.preparation.audit.item_lines import ItemDigest
from tools.preparation.audit.pair_lines import PairLines
from tools.preparation.audit.token_lengths import TokenCounts


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
