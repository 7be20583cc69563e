"""What the pairs, items and pictures of a split are known again by, whatever files they are read from."""

import hashlib

from data.image_store import ImageSource, open_images
from data.item_catalog import ItemCatalog, read_items
from data.item_pair import PairTable, read_pairs
from data.item_tensors import image_key
from data.loading import Split, only_paired_items
from data.options import ImageOptions, SplitOptions

UNREADABLE = b"unreadable image"
"""As long as a key."""


def split_digests(split: Split) -> dict[str, str]:
    """Return the SHA-256 of a labelled split's pairs, items and, where they are read, images, by the options' names.

    The file of each picture is read, since neither its time nor its size tells what it shows.
    """
    return _digests(split.catalog, split.pairs, split.items.images if split.items.image is not None else None)


def file_digests(files: SplitOptions, options: ImageOptions | None) -> dict[str, str]:
    """Do as split_digests for files whose pictures are read by these options, or not at all.

    Raises DataError or UserError for a fault in them.
    """
    catalog = read_items(files.items, has_images=options is not None)
    catalog, pairs = only_paired_items(catalog, read_pairs(files.pairs, catalog, labelled=True))
    images = open_images(files.images, options) if options is not None and files.images is not None else None
    return _digests(catalog, pairs, images)


def pairs_digest(catalog: ItemCatalog, pairs: PairTable) -> str:
    """Return the SHA-256 of the ids and labels of labelled pairs, in their order."""
    assert pairs.same is not None
    digest = hashlib.sha256()
    ids = list(catalog.ids())
    for source, target, same in zip(pairs.source, pairs.target, pairs.same, strict=True):
        digest.update(f"{ids[source]}\0{ids[target]}\0{same:d}\n".encode())
    return digest.hexdigest()


def _digests(catalog: ItemCatalog, pairs: PairTable, images: ImageSource | None) -> dict[str, str]:
    digests = {"pairs": pairs_digest(catalog, pairs), "items": catalog.digest()}
    if images is not None:
        keys = (image_key(images, item.image) or UNREADABLE for item in catalog)
        digests["images"] = hashlib.sha256(b"".join(keys)).hexdigest()
    return digests
