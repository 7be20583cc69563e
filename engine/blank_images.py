"""Which items had an unreadable image that was replaced by a blank one."""

from collections.abc import Iterator, Mapping

import torch
from pydantic import TypeAdapter

from data.item_catalog import ItemCatalog
from data.pair_batch import PairBatch
from engine.distributed import gather_rows
from engine.run_folder import RunFolder, write_json


class BlankImages:
    """Collects the items of replaced images from the training batches, and keeps those of the last validation."""

    def __init__(self, catalog: ItemCatalog, known_ids: Mapping[str, list[str]] | None = None) -> None:
        """Begin with the items, of train and val, that an earlier start of the run has found."""
        known = known_ids or {}
        self._catalog = catalog
        self._rows = {row for item_id in known.get("train", ()) if (row := catalog.row(item_id)) is not None}
        self.validation = known.get("val", [])

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


def read_blank_ids(folder: RunFolder) -> dict[str, list[str]]:
    """Return the items, of train and val, whose images were replaced until now, as the run folder lists them."""
    file = folder.blank_images
    return TypeAdapter(dict[str, list[str]]).validate_json(file.read_bytes()) if file.exists() else {}


def write_blank_ids(folder: RunFolder, train: list[str], val: list[str]) -> None:
    """List the items whose images were replaced until now, if there are any, in the run folder."""
    if train or val:
        write_json(folder.blank_images, {"train": train, "val": val})
