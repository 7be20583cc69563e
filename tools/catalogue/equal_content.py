"""Which listings of a catalogue say and show the same: one product under several ids, whatever a model makes of it."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from data.item import item_text
from data.item_tensors import ItemTensors, image_key
from data.options import ReadAttributes
from data.stated_values import value_digests


def content_digests(items: ItemTensors, attributes: ReadAttributes) -> Iterator[str]:
    """Yield the digest of what each item says, its text with these attributes as encoders read it, and shows.

    Its picture, where the model reads any, counts by what its file holds. Empty where that cannot be read.
    """
    for item in items.catalog:
        picture = image_key(items.images, item.image) if items.image is not None else b""
        said = " ".join(item_text(item, attributes).split()), value_digests(item, items.attributes)
        yield "" if picture is None else blake2b(repr(said).encode() + picture, digest_size=16).hexdigest()


def first_of_equal(contents: Iterable[str]) -> NDArray[np.int64]:
    """Return for each of N items the first one of equal content: (N,); of an unknown content, "", that item itself."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(own, row) if own else row for row, own in enumerate(contents)], np.int64)
