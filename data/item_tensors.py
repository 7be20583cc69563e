"""From rows of a catalogue to a batch of tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data.item_catalog import ItemCatalog
from data.item_image import BadImageError, find_image, read_image
from data.item_text import item_text
from data.options import ImageOptions
from data.pair_batch import ItemBatch
from data.tokenizer import TokenIds, Tokenizer


@dataclass(frozen=True, slots=True)
class TextTokens:
    """The token ids of every item of a catalogue."""

    token_ids: Sequence[TokenIds]
    padding_id: int

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens of each item."""
        return np.array([len(ids) for ids in self.token_ids], np.int64)


@dataclass(frozen=True, slots=True)
class ItemTensors:
    """Makes batches of a catalogue's items; None for a modality that the model does not use."""

    catalog: ItemCatalog
    text: TextTokens | None
    image_folder: Path
    image: ImageOptions | None

    def batch(self, rows: Sequence[int]) -> ItemBatch:
        """Return the items of N rows; raises DataError naming the item of an unreadable image."""
        token_ids, attention_mask = self._tokens(rows)
        images, blank_image = self._images(rows)
        return ItemBatch(images, token_ids, attention_mask, torch.tensor(rows, dtype=torch.int64), blank_image)

    def token_lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens of every item; 0 without text."""
        return self.text.lengths() if self.text is not None else np.zeros(len(self.catalog), np.int64)

    def _tokens(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        texts = [self.text.token_ids[row] for row in rows] if self.text is not None else [[] for _ in rows]
        longest = max(len(ids) for ids in texts)
        token_ids = torch.full((len(rows), longest), self.text.padding_id if self.text is not None else 0)
        attention_mask = torch.zeros((len(rows), longest), dtype=torch.bool)
        for row, ids in enumerate(texts):
            token_ids[row, : len(ids)] = torch.tensor(ids, dtype=torch.int64)
            attention_mask[row, : len(ids)] = True
        return token_ids, attention_mask

    def _images(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        blank_image = torch.zeros(len(rows), dtype=torch.bool)
        if self.image is None:
            return torch.empty((len(rows), 3, 0, 0)), blank_image
        pixels = np.empty((len(rows), 3, self.image.size, self.image.size), np.float32)
        for place, row in enumerate(rows):
            picture = self._picture(row, self.image)
            blank_image[place] = picture is None
            pixels[place] = _mean_colour(self.image) if picture is None else picture.transpose(2, 0, 1)
        return _normalised(torch.from_numpy(pixels), self.image), blank_image

    def _picture(self, row: int, options: ImageOptions) -> NDArray[np.uint8] | None:
        item = self.catalog[row]
        try:
            return read_image(find_image(self.image_folder, item.image), options.size)
        except BadImageError as error:
            if options.on_bad_image == "blank":
                return None
            raise BadImageError(
                f"{error} (image of item {item.item_id!r}). Mend the file, or set data.image.on_bad_image=blank "
                "to put an all-grey picture in the place of every unreadable one."
            ) from error


def tokenize_catalog(catalog: ItemCatalog, tokenizer: Tokenizer, attributes: Sequence[str]) -> TextTokens:
    """Tokenise the text of every item."""
    texts = [item_text(item, attributes) for item in catalog]
    return TextTokens(tokenizer(texts), tokenizer.padding_id)


def _mean_colour(options: ImageOptions) -> NDArray[np.float32]:
    """The colour that normalises to 0, on the scale 0 to 255: (3, 1, 1)."""
    return (np.array(options.mean, np.float32) * 255).reshape(3, 1, 1)


def _normalised(pixels: Tensor, options: ImageOptions) -> Tensor:
    """Bring (N, 3, H, W) from 0..255 to mean 0 and standard deviation 1, in place, as x/255 - mean over std."""
    mean = torch.tensor(options.mean).view(3, 1, 1)
    std = torch.tensor(options.std).view(3, 1, 1)
    return pixels.div_(255).sub_(mean).div_(std)
