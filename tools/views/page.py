"""Pieces of HTML; every text that is given is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from options.printable import printable


def text(content: str) -> str:
    """Return plain text as HTML, without characters that steer the direction of what follows."""
    return escape(printable(content))


def signed(number: float, decimals: int) -> str:
    """Return a number with so many decimals and a true minus sign."""
    return f"{number:.{decimals}f}".replace("-", "−")


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]], is_titled: bool = False) -> str:
    """Return a table of texts; the first cell of a row names it, the others are numbers.

    `is_titled` says that a heading stands above the table, so that its caption is for screen readers alone.
    """
    hidden = ' class="unseen"' if is_titled else ""
    head = "".join(f'<th scope="col">{text(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(caption)}"><table class="figures">'
        f"<caption{hidden}>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def definitions(values: Mapping[str, str]) -> str:
    """Return names and their values."""
    entries = (f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in values.items())
    return f"<dl>{''.join(entries)}</dl>"


def figure(content: str, caption: str) -> str:
    """Return a chart, which is HTML, with a caption, which is text."""
    return f"<figure>{content}<figcaption>{text(caption)}</figcaption></figure>"


def folded(summary: str, content: str) -> str:
    """Return HTML that is shown once its summary is chosen."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"


def preformatted(label: str, content: str) -> str:
    """Return text of several lines as it is."""
    return f'<pre tabindex="0" role="region" aria-label="{text(label)}">{text(content)}</pre>'
