"""The form in which names, values and categories are compared: texts of one form say the same."""

import unicodedata
from functools import cache, lru_cache

from data.normal_form import normal_form

NOT_SEEN = {"Cc", "Cf", "Zl", "Zp", "Zs"}
"""Unicode's categories of control and format characters and of white space."""
ASCII_NOT_SEEN = dict.fromkeys(code for code in range(128) if unicodedata.category(chr(code)) in NOT_SEEN)
VARIATION_SELECTORS = range(0xFE00, 0xFE10)
"""Code points that choose how the character before is drawn."""
OTHER_DASHES = "\u02d7\u2043\u2212\u2796"
"""Dashes and minus signs that are not of Unicode's category of dashes."""


def compared(text: str) -> str:
    """Return a text in NFKC, its case folded, without what is not seen, every dash as '-'.

    Of the form of a text the form is itself.
    """
    if text.isascii():
        return text.translate(ASCII_NOT_SEEN).lower()
    # What is left out may have stood between marks that now join a letter, so once is not always enough.
    while (form := normal_form("".join(map(_unified, normal_form(text).casefold())))) != text:
        text = form
    return form


@lru_cache(maxsize=2**14)
def attribute_name(name: str) -> str:
    """Return the form of an attribute's name or value in which '#', as in a file of items, means nothing."""
    return compared(name.replace("#", "")).replace("#", "")


@cache
def _unified(character: str) -> str:
    category = unicodedata.category(character)
    if category in NOT_SEEN or ord(character) in VARIATION_SELECTORS:
        return ""
    return "-" if category == "Pd" or character in OTHER_DASHES else character
