"""Tables for people, as text."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence


def aligned_rows(rows: Sequence[Sequence[str]], left: Collection[int] = (0,), ruled: bool = False) -> str:
    """Return rows of equal length as lines, the given columns to the left and the others to the right.

    `ruled` draws a line below the first row, the headings.
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        spaces = [" " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [cell + spaces[place] if place in left else spaces[place] + cell for place, cell in enumerate(row)]
        lines.append("  ".join(cells).rstrip())
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


def _width(cell: str) -> int:
    """Return the columns that a terminal gives a text: two for each Chinese character."""
    return len(cell) + sum(unicodedata.east_asian_width(character) in "WF" for character in cell)
