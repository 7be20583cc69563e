"""What the numbers of a feature vector are of."""

from typing import Literal, NamedTuple

KindName = Literal["text", "image", "colours"]


class FeatureKind(NamedTuple):
    """Features of one kind, side by side in blocks of different origin."""

    name: KindName
    widths: tuple[int, ...]
    """Features in each block."""
