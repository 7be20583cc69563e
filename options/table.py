"""Tables for people, as text."""

from collections.abc import Collection, Sequence


def aligned_rows(rows: Sequence[Sequence[str]], left: Collection[int] = (0,), ruled: bool = False) -> str:
    """Return rows of equal length as lines, the given columns to the left and the others to the right.

    `ruled` draws a line below the first row, the headings.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if ruled:
        lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
