"""The key that an unknown key probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the word most like the given one, None where none is like it."""
    matches = get_close_matches(word.casefold().replace("-", "_"), list(words), n=1, cutoff=0.6)
    return matches[0] if matches else None


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
