"""Which items had an unreadable image that was replaced by a blank one."""

from collections.abc import Iterator

import torch

from data.item_catalog import ItemCatalog
from data.pair_batch import PairBatch
from engine.distributed import gather_rows


class BlankImages:
    """Collects the items of replaced images from the training batches."""

    def __init__(self, catalog: ItemCatalog) -> None:
        self._catalog = catalog
        self._rows: set[int] = set()

    def watch(self, batches: Iterator[PairBatch]) -> Iterator[PairBatch]:
        """Yield the batches as they are, noting their blank images."""
        for batch in batches:
            self._rows.update(batch.items.item[batch.items.blank_image].tolist())
            yield batch

    def item_ids(self) -> list[str]:
        """Return the ids seen by all processes so far, in the first one; every process has to call this."""
        gathered = gather_rows(torch.tensor(sorted(self._rows), dtype=torch.int64))
        rows = sorted(set(torch.cat(gathered).tolist())) if gathered is not None else []
        return [self._catalog[row].item_id for row in rows]
