"""The key that an unknown key probably meant."""

from collections.abc import Iterable
from difflib import SequenceMatcher

LEAST_LIKENESS, LEAST_LIKENESS_OF_SHORT = 0.6, 0.5
SHORT = 3
"""Letters of a word in which one wrong letter is much."""


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the word most like the given one, the first of equally like ones, None where none is like it."""
    written = word.casefold().replace("-", "_")
    likeness = {other: SequenceMatcher(None, other, written).ratio() for other in words}
    best = max(likeness, key=likeness.__getitem__, default=None)
    least = LEAST_LIKENESS if len(written) > SHORT else LEAST_LIKENESS_OF_SHORT
    return best if best is not None and likeness[best] >= least else None


def nearest_path(key: str, section: str, section_keys: Iterable[str], all_paths: Iterable[str]) -> str | None:
    """Return the dotted path of the key that was probably meant: one of its section, else one from elsewhere.

    Elsewhere, an equal key wins over a similar one, and the path that comes first over later ones.
    """
    sibling = nearest(key, section_keys)
    if sibling:
        return f"{section}.{sibling}" if section else sibling
    path_of_key: dict[str, str] = {}
    for path in all_paths:
        path_of_key.setdefault(path.rpartition(".")[2], path)
    found = nearest(key, path_of_key)
    return path_of_key[found] if found else None
