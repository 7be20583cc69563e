"""Items that training and validation have in common, which make validation look better than it is."""

from dataclasses import replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from data.compact_rows import HashIndex, text_hash
from data.item import Item
from data.item_catalog import ItemCatalog
from data.loading import Split
from options.printable import shortened

NUM_NAMED = 5
"""Items that a message names."""


def overlap_message(train: Split, val: Split, is_allowed: bool = False) -> str | None:
    """Say which items the pairs of both splits name and how to part them, or go on; None where there are none."""
    shared = shared_items(train, val)
    if not shared:
        return None
    named = [_named(name, twin) for name, twin in shared[:NUM_NAMED]]
    more = f" and {len(shared) - NUM_NAMED} more" if len(shared) > NUM_NAMED else ""
    cure = "" if is_allowed else ", or set data.on_split_overlap=warn to train all the same"
    return (
        f"data.val: {len(shared)} of its {len(val.catalog)} items occur in data.train as well, so validation would "
        f"look better than it is: {', '.join(named)}{more}. Split the pairs with bash run.sh data split{cure}."
    )


def shared_items(train: Split, val: Split) -> list[tuple[str, str]]:
    """Return the validation items that training has too, by their ids in validation and in training.

    An item is recognised by its id, and under another id by the same text and the same image file.
    """
    one_folder = val.items.images.path.resolve() == train.items.images.path.resolve()
    listings = HashIndex(map(_content_hash, train.catalog if one_folder else ()))
    shared = []
    for item in val.catalog:
        has_id = train.catalog.row(item.item_id) is not None
        twin = item.item_id if has_id else _twin(item, train.catalog, listings)
        if twin is not None:
            shared.append((item.item_id, twin))
    return shared


def listing_rows(catalog: ItemCatalog, with_images: bool = True) -> NDArray[np.int64]:
    """Return for each of N items the first row of equal content, so that a listing under two ids counts once: (N,).

    Where nothing reads images (`with_images` false), their names make no difference.
    """
    first: dict[bytes, int] = {}
    contents = (item.content if with_images else replace(item, image="").content for item in catalog)
    digests = (blake2b(repr(content).encode(), digest_size=16).digest() for content in contents)
    return np.array([first.setdefault(digest, row) for row, digest in enumerate(digests)], dtype=np.int64)


def _twin(item: Item, catalog: ItemCatalog, listings: HashIndex) -> str | None:
    """Return the id of the last item of equal content; None where there is none."""
    rows = reversed(listings.rows(repr(item.content)))
    equal = (twin for twin in map(catalog.__getitem__, rows) if twin.content == item.content)
    return next((twin.item_id for twin in equal), None)


def _content_hash(item: Item) -> int:
    return text_hash(repr(item.content))


def _named(name: str, twin: str) -> str:
    return shortened(name) if name == twin else f"{shortened(name)} (in training {shortened(twin)})"
