"""Text of unknown origin as a terminal may show it."""


def printable(text: str, longest: int) -> str:
    """Return the start of a text in printable signs: control signs, bidi marks and the like as escapes (\\x1b).

    A text of more than `longest` signs ends with '…'; an escape may be longer than the sign that it stands for.
    """
    start = text if len(text) <= longest else text[:longest] + "…"
    return start if start.isprintable() else escaped(start)


def escaped(text: str) -> str:
    """Return the text with Python's escape in the place of every sign that is not printable."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


def quoted(text: str, longest: int = 60) -> str:
    """Return the start of a text between quotation marks, in printable signs."""
    return repr(text if len(text) <= longest else text[:longest] + "…")
