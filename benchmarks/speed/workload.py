"""A workload of the shape of the real test split: photographs, listing texts, and items that occur in few pairs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import JsonValue
from tqdm import tqdm

from benchmarks.speed.settings import MAX_TOKENS, ModelSize
from benchmarks.synthetic_photos import invent_photo
from engine.disk import write_lines
from options.yaml_values import to_yaml
from tools.preparation.demo.catalogue import MEAN_ITEMS_PER_FAMILY, plan_families, plan_listings
from tools.preparation.demo.listing import phrase
from tools.preparation.demo.write import make_vocabulary, write_tokenizer

INVENTED_PHOTOS = 8
"""Of which all photographs are parts."""
PHOTO_QUALITY = 92
MOST_PHOTOS = 200
"""Distinct photographs; with more items, several have copies of the same one."""


@dataclass(frozen=True, slots=True)
class WorkloadSize:
    """How large a workload is."""

    items: int
    pairs: int
    distinct_photos: int = MOST_PHOTOS


def write_workload(folder: Path, model: ModelSize, size: WorkloadSize, seed: int) -> Path:
    """Write items, labelled pairs, photographs, tokenizer and an option file; return the option file."""
    folder.mkdir(parents=True)
    texts = _texts(size.items, seed)
    ids = [f"item-{number}" for number in range(size.items)]
    photos = write_photographs(folder / "images", min(size.items, size.distinct_photos), model.photo_size)
    names = [photos[number % len(photos)].name for number in range(size.items)]
    write_lines(
        folder / "items.jsonl",
        ({"item_id": i, "item_image_name": n, **text} for i, n, text in zip(ids, names, texts, strict=True)),
    )
    ends = pair_ends(size.items, size.pairs, seed)
    write_lines(
        folder / "pairs.jsonl",
        (
            {"src_item_id": ids[source], "tgt_item_id": ids[target], "item_label": str(int(number % 3 == 0))}
            for number, (source, target) in enumerate(ends.tolist())
        ),
    )
    write_tokenizer(make_vocabulary(" ".join(text.values()) for text in texts), folder / "tokenizer")
    file = folder / "options.yml"
    file.write_text(to_yaml(_options(folder, model)), encoding="utf-8")
    return file


def write_photographs(folder: Path, count: int, size: int) -> list[Path]:
    """Write square JPEG files as preprocessing leaves them."""
    folder.mkdir(parents=True)
    files = [folder / f"{number:05d}.jpg" for number in range(count)]
    originals = [invent_photo(np.random.default_rng(number)) for number in range(min(count, INVENTED_PHOTOS))]
    for number, file in enumerate(tqdm(files, desc="photographs", unit="file", leave=False)):
        photo = originals[number % len(originals)]
        photo.resize((size, size), Image.Resampling.BICUBIC, box=_cutting(photo, number)).save(
            file, quality=PHOTO_QUALITY
        )
    return files


def pair_ends(num_items: int, num_pairs: int, seed: int) -> NDArray[np.int64]:
    """Return the two items of each pair: (num_pairs, 2).

    Every item occurs, most in one or two pairs, and none in a pair with itself. Raises ValueError where the pairs
    are too few for the items.
    """
    surplus = 2 * num_pairs - num_items
    if surplus < 0 or num_items < 2:
        raise ValueError(f"{num_pairs} pairs cannot name {num_items} items, of which there must be two at least")
    chance = np.random.default_rng((seed, num_items, num_pairs))
    ends = np.concatenate([np.arange(num_items), chance.integers(num_items, size=surplus)])
    while np.bincount(ends).max() > num_pairs:  # more ends than pairs leave an item a pair with itself
        ends[num_items:] = chance.integers(num_items, size=surplus)
    pairs = chance.permutation(ends).reshape(num_pairs, 2)
    # A pair of an item with itself exchanges an end with the pair behind it, as often as that takes.
    while (alone := np.flatnonzero(pairs[:, 0] == pairs[:, 1])).size:
        place, other = int(alone[0]), int(chance.integers(num_pairs))
        pairs[place, 1], pairs[other, 1] = pairs[other, 1], pairs[place, 1]
    return pairs


def _cutting(photo: Image.Image, number: int) -> tuple[int, int, int, int]:
    """Return a part of a photograph, so that few inventions make many pictures."""
    chance = np.random.default_rng(number)
    left, top = (int(chance.integers(0, side // 4)) for side in photo.size)
    right, bottom = (side - int(chance.integers(0, side // 4)) for side in photo.size)
    return left, top, right, bottom


def _texts(count: int, seed: int) -> list[dict[str, str]]:
    """Return the texts of the demo's listings."""
    plans = plan_listings(plan_families(max(3, round(1.5 * count / MEAN_ITEMS_PER_FAMILY) + 3), seed), seed)
    chance = np.random.default_rng((seed, 5))
    chosen = chance.permutation(len(plans))[:count]
    assert len(chosen) == count, "families give fewer listings than planned"
    listed = [phrase(plans[place].product, plans[place].series, chance) for place in chosen]
    return [{"title": text.title, "item_pvs": text.item_pvs, "sku_pvs": text.sku_pvs} for text in listed]


def _options(folder: Path, size: ModelSize) -> dict[str, JsonValue]:
    files: dict[str, JsonValue] = {name: str(folder / f"{name}.jsonl") for name in ("items", "pairs")}
    files["images"] = str(folder / "images")
    return {
        "name": "benchmark",
        "data": {
            "train": files,
            "test": files,
            "text": {"tokenizer": str(folder / "tokenizer"), "max_tokens": MAX_TOKENS},
            "image": {"size": size.image_size},
            "workers": 1,
        },
        "model": dict(size.model),
        "loss": {"name": "self_adaptive_threshold"},
        "train": {"steps": 1_000_000, "batch_size": 4, "optimizer": {"name": "adam"}, "clip_norm": 0.5},
        "predict": {"checkpoint": str(folder / "weights.safetensors"), "threshold": 0.0},
    }
