"""What an encoder reads of each item, as a digest: items of equal keys have equal features."""

from hashlib import blake2b

from data.item_image import BadImageError
from data.item_tensors import ItemTensors

KEY_BYTES = 16


def text_keys(items: ItemTensors) -> list[bytes | None]:
    """Return the key of the tokens of each of N items."""
    assert items.text is not None
    return [_key(items.text[row].tobytes()) for row in range(len(items.catalog))]


def image_keys(items: ItemTensors) -> list[bytes | None]:
    """Return the key of the image of each of N items, by what its file holds; None for one that cannot be read."""
    return [_image_key(items, item.image) for item in items.catalog]


def _image_key(items: ItemTensors, name: str) -> bytes | None:
    try:
        return _key(items.images.content(name))
    except BadImageError:
        return None


def _key(content: bytes) -> bytes:
    return blake2b(content, digest_size=KEY_BYTES).digest()
