"""Unicode's normal form NFKC, of a text of any length in a time that grows with it."""

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONG_RUN = 200
"""Combining marks in a row from which on they are sorted here."""
LAST_MARK = 0x1FFFF
"""Code point after which there are no combining marks."""


def normal_form(text: str) -> str:
    """Return a text in NFKC."""
    if len(text) >= LONG_RUN and not text.isascii():
        text = _with_marks_in_order(text)
    return unicodedata.normalize("NFKC", text)


def _with_marks_in_order(text: str) -> str:
    """Bring long runs of combining marks into the canonical order, which changes no normal form.

    The library sorts them in quadratic time, hours for a megabyte.
    """
    import numpy as np  # reading options need not wait for it

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    is_mark = _marks()[np.minimum(codes, LAST_MARK + 1)]
    starts, ends = np.flatnonzero(np.diff(is_mark, prepend=False, append=False)).reshape(-1, 2).T
    long = ends - starts >= LONG_RUN
    parts, done = [], 0
    for start, end in zip(starts[long].tolist(), ends[long].tolist(), strict=True):
        marks = "".join(unicodedata.normalize("NFKD", mark) for mark in text[start:end])
        parts += [text[done:start], "".join(sorted(marks, key=unicodedata.combining))]
        done = end
    return "".join([*parts, text[done:]])


@cache
def _marks() -> "NDArray[np.bool_]":
    """Return whether a code point, decomposed, is nothing but combining marks: (LAST_MARK + 2,)."""
    import numpy as np

    decomposed = (unicodedata.normalize("NFKD", chr(code)) for code in range(LAST_MARK + 2))
    return np.array([all(map(unicodedata.combining, parts)) for parts in decomposed])
