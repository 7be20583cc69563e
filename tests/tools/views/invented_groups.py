"""Groups of invented items with invented margins, found without a model."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from data.image_store import ImageFolder
from data.item import Item
from data.item_catalog import ItemCatalog
from engine.decision_rule import DecisionRule
from tests.tiny_embeddings import numbers, write_embeddings
from tools.catalogue.duplicate_groups import group_catalogue
from tools.catalogue.duplicate_pairs import FoundPairs
from tools.catalogue.index_folder import open_index
from tools.catalogue.index_sync import IndexChoice, synchronise
from tools.views.groups_page import render_groups


def invented_groups(
    folder: Path, items: Sequence[Item], margins: Mapping[tuple[int, int], float], num_pictures: int
) -> Callable[..., str]:
    """Return what renders the page of the groups that pairs of rows join; the first items have pictures."""
    ids, categories = [item.item_id for item in items], [item.category for item in items]
    embeddings = write_embeddings(folder / "embeddings", numbers(len(items)), ids, categories)
    synchronise(embeddings, folder / "index", IndexChoice())
    source, target = np.array(list(margins), np.int64).T
    found = FoundPairs(source, target, np.array(list(margins.values())), len(items), 0)
    groups = group_catalogue(open_index(folder / "index"), found, DecisionRule(-1.0), within_categories=False)
    images = folder / "images"
    images.mkdir()
    for row, item in enumerate(items[:num_pictures]):
        Image.new("RGB", (40, 30), (37 * row % 256, 80, 90)).save(images / item.image)
    return partial(
        render_groups,
        groups,
        threshold="-1.0000 (as given)",
        catalog=ItemCatalog(items),
        images=ImageFolder(images),
        most_groups=100,
        agreement={},
    )
