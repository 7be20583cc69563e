"""Text of others in messages: short, on one line, and without characters that steer a terminal."""

import unicodedata

LONGEST_SHOWN = 80
"""Characters of a value that a message shows."""

_STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of control characters, marks of direction and zero width, half characters and line ends."""


def printable(text: str) -> str:
    """Return the text with control, direction and half characters written out, as in \\x1b; line feeds stay."""
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def shortened(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Return the text on one printable line, cut to `longest` characters of the original where it is longer."""
    cut = text if len(text) <= longest else f"{text[:longest]}..."
    return printable(cut).replace("\n", "\\n")


def quoted(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Return the text in quotation marks on one printable line, cut where it is longer than `longest`."""
    return repr(text) if len(text) <= longest else f"{text[:longest]!r}..."


def without_credentials(address: str) -> str:
    """Return the address of a server without user and password, and without the scheme before them."""
    return address.rpartition("@")[2]


def _escaped(character: str) -> str:
    steers = character != "\n" and unicodedata.category(character) in _STEERING
    return character.encode("unicode_escape").decode("ascii") if steers else character
