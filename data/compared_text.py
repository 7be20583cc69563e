"""The form in which names, values and categories are compared: texts of one form say the same."""

import unicodedata
from functools import cache

NOT_SEEN = {"Cc", "Cf", "Zl", "Zp", "Zs"}
"""Unicode's categories of control and format characters and of white space."""


@cache
def compared(text: str) -> str:
    """Return a text in NFKC, its case folded, without white space, control and format characters, dashes as '-'."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    seen = (character for character in folded if unicodedata.category(character) not in NOT_SEEN)
    return "".join("-" if unicodedata.category(own) == "Pd" or own == "\u2212" else own for own in seen)
