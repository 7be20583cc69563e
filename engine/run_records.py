"""What a run writes down of itself, besides its log and its checkpoints."""

import os
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version

import torch

from data.item_catalog import ItemCatalog
from data.pair_batch import PairBatch
from engine.disk import read_json, write_json, write_text, writing
from engine.distributed import Processes, from_every
from engine.evaluator import Evaluation
from engine.run_folder import RunFolder
from engine.training import TrainingRun
from options.read import write_options

PACKAGES = ("torch", "torchvision", "transformers", "timm", "numpy", "pillow", "safetensors", "pydantic")


def write_start_records(run: TrainingRun, command: str) -> None:
    """Write the options, the environment and the command of a start, and make the folder of the checkpoints."""
    folder = run.folder
    write_text(folder.options, write_options(run.options))
    write_json(folder.environment, environment(run.processes))
    with writing(folder.root):
        folder.checkpoints.mkdir(parents=True, exist_ok=True)
        with folder.command.open("a", encoding="utf-8") as commands:
            print(command, file=commands)


def environment(processes: Processes) -> dict[str, object]:
    """Return versions, machine and processes, for the run folder."""
    on_gpu = processes.device.type == "cuda"
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(processes.device) if on_gpu else platform.processor() or "cpu",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": processes.count,
    }


def write_result(folder: RunFolder, step: int, figures: Evaluation) -> None:
    """Write the evaluation of the best checkpoint, that of a step."""
    write_json(folder.result, {"step": step, **figures.as_dict()})


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
        """Return the ids seen by all processes so far; every process has to call this."""
        rows = sorted(set().union(*from_every(self._rows)))
        return [self._catalog[row].item_id for row in rows]


def read_blank_ids(folder: RunFolder) -> dict[str, list[str]]:
    """Return the items, of train and val, whose images were replaced until now, as the run folder lists them."""
    return read_json(folder.blank_images, dict[str, list[str]], "remove it") or {}


def write_blank_ids(folder: RunFolder, train: list[str], val: list[str]) -> None:
    """List the items whose images were replaced until now, if there are any, in the run folder."""
    if train or val:
        write_json(folder.blank_images, {"train": train, "val": val})
