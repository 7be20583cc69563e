"""Tables for people, as text."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence


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


def aligned_figures(figures: Mapping[str, int | float | str]) -> str:
    """Return a line a figure: its name to the left, its value to the right."""
    return aligned_rows([(name, _text(value)) for name, value in figures.items()])


def _text(value: int | float | str) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else value


def _padded(cell: str, width: int, to_the_left: bool) -> str:
    space = " " * (width - _width(cell))
    return cell + space if to_the_left else space + cell


def _width(cell: str) -> int:
    """Return the columns that a terminal gives a text: two for each Chinese character."""
    return len(cell) + sum(unicodedata.east_asian_width(character) in "WF" for character in cell)
