"""From rows of a catalogue to a batch of tensors."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data.compact_rows import NUMBERS
from data.image_store import ImageSource
from data.item import item_text
from data.item_catalog import ItemCatalog
from data.item_image import BadImageError
from data.options import NOTHING_COMPARED, ComparedAttributes, ImageOptions, ReadAttributes
from data.pair_batch import NO_ATTRIBUTES, NO_FEATURES, NO_RUNS, ItemBatch, length_runs
from data.stated_values import value_digests
from data.tokenizer import Tokenizer
from options.printable import quoted

TEXTS_AT_ONCE = 4096
TOKEN_IDS = "i"
"""Type code of token ids: 32 bits."""
KEY_BYTES = 16
"""Length of a key, the digest of what an encoder reads of an item: items of equal keys have equal features."""


@dataclass(frozen=True, slots=True)
class TextTokens:
    """The token ids of N texts, end to end in one array, which loader processes share instead of copying."""

    ids: NDArray[np.int32]
    """(tokens of all texts,)"""
    starts: NDArray[np.int64]
    """(N + 1,) where each text starts, and where the last one ends"""
    padding_id: int
    max_tokens: int
    """Longest text that can occur."""
    num_token_ids: int
    """Size of the tokenizer's vocabulary."""

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        """Return the token ids of one text."""
        return self.ids[self.starts[row] : self.starts[row + 1]]

    def lengths(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the number of tokens of each text, or of those of some rows: (N,)."""
        return np.diff(self.starts) if rows is None else self.starts[rows + 1] - self.starts[rows]


@dataclass(frozen=True, slots=True)
class KnownFeatures:
    """What frozen encoders make of N items; None for an encoder that is trained, or not there."""

    text: Tensor | None
    """(N, width) float32"""
    image: Tensor | None
    """(N, width) float32"""
    blank_image: Tensor
    """(N,) bool, true where an unreadable image was replaced"""


@dataclass(frozen=True, slots=True)
class ItemTensors:
    """Makes batches of a catalogue's items; None for a modality that the model does not use."""

    catalog: ItemCatalog
    text: TextTokens | None
    images: ImageSource
    """Not asked where no images are used."""
    image: ImageOptions | None
    known: KnownFeatures | None = None
    """Features that are taken in the place of texts or images."""
    attributes: ComparedAttributes = NOTHING_COMPARED
    _kept: dict[int, NDArray[np.uint8] | None] = field(default_factory=dict, repr=False)
    """Decoded pictures by row, with data.image.keep_in_memory."""
    _digests: dict[int, list[int]] = field(default_factory=dict, repr=False)
    """What items state, by row, where their features are kept as well, which are far larger."""

    def batch(self, rows: Sequence[int]) -> ItemBatch:
        """Return the items of N rows; raises BadImageError naming the item of an unreadable one."""
        token_ids, attention_mask = self._tokens(rows)
        images, blank_image = self._images(rows)
        batch = ItemBatch(
            images,
            token_ids,
            attention_mask,
            item=torch.tensor(rows, dtype=torch.int64),
            blank_image=blank_image,
            attributes=self._attributes(rows),
            text_runs=torch.from_numpy(length_runs(self.read_lengths(rows))) if self._reads_text else NO_RUNS,
        )
        return batch if self.known is None else _with_known(batch, self.known)

    def token_lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens of every item; 0 without text."""
        return self.text.lengths() if self.text is not None else np.zeros(len(self.catalog), np.int64)

    def read_lengths(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """Return the number of tokens that are read of N items: (N,); 0 where the model reads none."""
        if self.text is None or not self._reads_text:
            return np.zeros(len(rows), np.int64)
        return self.text.lengths(np.asarray(rows, np.int64))

    @property
    def _reads_text(self) -> bool:
        return self.text is not None and (self.known is None or self.known.text is None)

    def _attributes(self, rows: Sequence[int]) -> Tensor:
        if not self.attributes:
            return NO_ATTRIBUTES
        digests = {row: self._digests.get(row) or value_digests(self.catalog[row], self.attributes) for row in rows}
        if self.known is not None:
            self._digests.update(digests)
        return torch.tensor([digests[row] for row in rows])

    def _tokens(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        if self.text is None or not self._reads_text:
            return torch.empty((len(rows), 0), dtype=torch.int64), torch.empty((len(rows), 0), dtype=torch.bool)
        texts = [self.text[row] for row in rows]
        token_ids = np.full((len(rows), max(map(len, texts))), self.text.padding_id, np.int64)
        attention_mask = np.zeros(token_ids.shape, np.bool_)
        for place, ids in enumerate(texts):
            token_ids[place, : len(ids)] = ids
            attention_mask[place, : len(ids)] = True
        return torch.from_numpy(token_ids), torch.from_numpy(attention_mask)

    def _images(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        blank_image = torch.zeros(len(rows), dtype=torch.bool)
        if self.image is None or (self.known is not None and self.known.image is not None):
            return torch.empty((len(rows), 3, 0, 0)), blank_image
        pixels = np.zeros((len(rows), 3, self.image.size, self.image.size), np.float32)
        for place, row in enumerate(rows):
            picture = self._kept[row] if row in self._kept else self._picture(row, self.image)
            if self.image.keep_in_memory:
                self._kept[row] = picture
            if picture is None:
                blank_image[place] = True
            else:
                pixels[place] = picture.transpose(2, 0, 1)
        # From 0..255 to mean 0 and standard deviation 1, in place.
        mean, std = (torch.tensor(colours).view(3, 1, 1) for colours in self.image.normalisation)
        images = torch.from_numpy(pixels).div_(255).sub_(mean).div_(std)
        images[blank_image] = 0  # the mean colour
        return images, blank_image

    def _picture(self, row: int, options: ImageOptions) -> NDArray[np.uint8] | None:
        item = self.catalog[row]
        try:
            return self.images.read(item.image, options.size)
        except BadImageError as error:
            if options.on_bad_image == "blank":
                return None
            raise BadImageError(
                f"{error} (image of item {quoted(item.item_id)}). Mend the file, or set data.image.on_bad_image=blank "
                "to put an all-grey picture in the place of every unreadable one."
            ) from error


def tokenize_catalog(catalog: ItemCatalog, tokenizer: Tokenizer, attributes: ReadAttributes) -> TextTokens:
    """Tokenise the text of every item, TEXTS_AT_ONCE at a time, which bounds the memory."""
    ids = array(TOKEN_IDS)
    starts = array(NUMBERS, [0])
    for first in range(0, len(catalog), TEXTS_AT_ONCE):
        rows = range(first, min(first + TEXTS_AT_ONCE, len(catalog)))
        for token_ids in tokenizer([item_text(catalog[row], attributes) for row in rows]):
            ids.extend(token_ids)
            starts.append(len(ids))
    return TextTokens(
        ids=np.asarray(ids, np.int32),
        starts=np.asarray(starts, np.int64),
        padding_id=tokenizer.padding_id,
        max_tokens=tokenizer.max_tokens,
        num_token_ids=len(tokenizer),
    )


def text_keys(items: ItemTensors) -> list[bytes | None]:
    """Return the key of the tokens of each of N items."""
    assert items.text is not None
    return [_digest(items.text[row].tobytes()) for row in range(len(items.catalog))]


def image_keys(items: ItemTensors) -> list[bytes | None]:
    """Return the key of the image of each of N items, by what its file holds; None for one that cannot be read."""
    return [image_key(items.images, item.image) for item in items.catalog]


def image_key(images: ImageSource, name: str) -> bytes | None:
    """Return the digest of what the file of an image holds; None for one that cannot be read."""
    try:
        return _digest(images.content(name))
    except BadImageError:
        return None


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=KEY_BYTES).digest()


def _with_known(batch: ItemBatch, known: KnownFeatures) -> ItemBatch:
    return batch._replace(
        text_features=known.text[batch.item] if known.text is not None else NO_FEATURES,
        image_features=known.image[batch.item] if known.image is not None else NO_FEATURES,
        blank_image=known.blank_image[batch.item] if known.image is not None else batch.blank_image,
    )
