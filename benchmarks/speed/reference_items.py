"""The plain way to make a batch: file by file, in this process, every text padded to the longest allowed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from data.item import Item
from data.item_text import item_text
from data.options import DataOptions, ImageOptions
from data.pair_batch import ItemBatch
from data.tokenizer import Tokenizer


class PlainItems:
    """Reads, tokenises and pads items each time they are asked for."""

    def __init__(self, items: Sequence[Item], options: DataOptions, folder: str) -> None:
        self._items = items
        self._options = options
        self._folder = folder
        self._tokenizer = Tokenizer(options.text.tokenizer, options.text.max_tokens)

    def batch(self, rows: Sequence[int]) -> ItemBatch:
        """Return the items of N rows."""
        texts = [self._text(self._items[row]) for row in rows]
        return ItemBatch(
            images=torch.stack([self._image(self._items[row]) for row in rows]),
            token_ids=torch.tensor([token_ids for token_ids, _ in texts]),
            attention_mask=torch.tensor([mask for _, mask in texts]),
            item=torch.tensor(rows),
            blank_image=torch.zeros(len(rows), dtype=torch.bool),
        )

    def _text(self, item: Item) -> tuple[list[int], list[bool]]:
        token_ids = self._tokenizer([item_text(item, self._options.text.attributes)])[0]
        missing = self._options.text.max_tokens - len(token_ids)
        return (
            token_ids + [self._tokenizer.padding_id] * missing,
            [True] * len(token_ids) + [False] * missing,
        )

    def _image(self, item: Item) -> torch.Tensor:
        return plain_image(f"{self._folder}/{item.image}", self._options.image)


def plain_image(file: str, options: ImageOptions) -> torch.Tensor:
    """Return a picture as (3, H, W)."""
    with Image.open(file) as image:
        picture = image.convert("RGB")
    if picture.size != (options.size, options.size):
        picture = picture.resize((options.size, options.size), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    return (pixels - torch.tensor(options.mean).view(3, 1, 1)) / torch.tensor(options.std).view(3, 1, 1)
