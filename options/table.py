"""Tables for people, as text."""

import unicodedata
from collections.abc import Collection, Sequence


def aligned_rows(rows: Sequence[Sequence[str]], left: Collection[int] = (0,), ruled: bool = False) -> str:
    """Return rows of equal length as lines, the given columns to the left and the others to the right.

    `ruled` draws a line below the first row, the headings.
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            _padded(cell, width, place in left) for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if ruled:
        lines.insert(1, "  ".join("-" * width for width in widths).rstrip())
    return "\n".join(lines)


def _padded(cell: str, width: int, to_the_left: bool) -> str:
    space = " " * (width - _width(cell))
    return cell + space if to_the_left else space + cell


def _width(cell: str) -> int:
    """Return the columns that a terminal gives a text: two for each Chinese character."""
    return len(cell) if cell.isascii() else sum(_columns(character) for character in cell)


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
