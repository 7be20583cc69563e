"""Which items had an unreadable image that was replaced by a blank one."""

from collections.abc import Iterable, Iterator

import torch
from pydantic import TypeAdapter

from data.item_catalog import ItemCatalog
from data.pair_batch import PairBatch
from engine.distributed import gather_rows
from engine.run_folder import RunFolder


class BlankImages:
    """Collects the items of replaced images from the training batches."""

    def __init__(self, catalog: ItemCatalog, known_ids: Iterable[str] = ()) -> None:
        """Begin with the items that an earlier start of the run has found."""
        self._catalog = catalog
        self._rows = {row for item_id in known_ids if (row := catalog.row(item_id)) is not None}

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


def read_blank_ids(folder: RunFolder) -> list[str]:
    """Return the training items whose images were replaced until now, as the run folder lists them."""
    file = folder.blank_images
    if not file.exists():
        return []
    return TypeAdapter(dict[str, list[str]]).validate_json(file.read_bytes()).get("train", [])
