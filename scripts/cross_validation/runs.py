"""The training runs of a cross-validation: one a fold and seed, of which the scores of the held-out pairs are kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from data.item_catalog import ItemCatalog, read_items
from data.item_pair import PairTable, read_pairs
from data.options import SplitOptions
from engine.checkpoint_folder import latest_checkpoint
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.run_folder import RUNS, run_folder, write_json, write_text
from engine.trainer import run_training
from engine.validation_scores import VALIDATION, read_scores
from options.errors import UserError
from options.read import write_options
from scripts.cross_validation.folds import pair_folds, product_folds
from scripts.cross_validation.held_out import HeldOut

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """The training and the validation pairs of an option file, the former first."""

    catalog: ItemCatalog
    pairs: PairTable
    files: SplitOptions
    """Items and images of all of them; `pairs` is the file of the training pairs."""
    validation_file: Path
    num_validation: int

    @property
    def same(self) -> Bools:
        """The label of each of B pairs: (B,)."""
        assert self.pairs.same is not None
        return self.pairs.same


def read_all_pairs(options: ExperimentOptions) -> LabelledPairs:
    """Read the pairs to cross-validate on; raises UserError for splits that do not share items and images."""
    train, val = options.data.train, options.data.val
    if train is None or val is None or (train.items, train.images) != (val.items, val.images):
        raise UserError("data.train and data.val: cross-validation needs both, of the same items and images")
    catalog = read_items(train.items)
    tables = [read_pairs(file, catalog, labelled=True) for file in (train.pairs, val.pairs)]
    same = [table.same for table in tables if table.same is not None]
    source, target = (np.concatenate([getattr(table, side) for table in tables]) for side in ("source", "target"))
    return LabelledPairs(catalog, PairTable(source, target, np.concatenate(same)), train, val.pairs, len(tables[1]))


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What is trained and scored."""

    options: ExperimentOptions
    data: LabelledPairs
    num_folds: int
    processes: Processes

    def held_out(self, seeds: list[int]) -> tuple[list[HeldOut], float]:
        """Return the held-out scores of each seed, of earlier calls too, and the mean seconds of training a fold."""
        tasks = [(seed, fold) for seed in seeds for fold in range(self.num_folds)]
        shown = tqdm(tasks, desc=self.options.name, unit="fold", disable=None)
        scored = {task: self._scored(*task) for task in shown}
        return [self._of_seed(seed) for seed in seeds], float(np.mean(list(scored.values())))

    def _folds(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        item_fold = product_folds(self.data.pairs, len(self.data.catalog), self.num_folds, seed)
        return item_fold, pair_folds(self.data.pairs, item_fold)

    def _of_seed(self, seed: int) -> HeldOut:
        fold = self._folds(seed)[1]
        margin = np.full(len(fold), np.nan)
        for number in range(self.num_folds):
            margin[fold == number] = read_scores(self._folder(seed, number) / VALIDATION).margin
        return HeldOut(margin, fold)

    def _folder(self, seed: int, fold: int) -> Path:
        digest = hashlib.sha256(write_options(self.options.model_copy(update={"seed": seed})).encode()).hexdigest()[:8]
        return RUNS / f"{self.options.name}.cross_validation" / f"{digest}_seed{seed}_fold{fold}of{self.num_folds}"

    def _scored(self, seed: int, fold: int) -> float:
        """Train on the other folds' pairs and keep the scores of this fold's; return the seconds that it took."""
        folder = self._folder(seed, fold)
        record = folder / "run.json"
        if not record.exists():
            started = time.perf_counter()
            checkpoint = self._trained(seed, fold, folder)
            shutil.copy(checkpoint / VALIDATION, folder / VALIDATION)
            write_json(record, {"seconds": time.perf_counter() - started})
            shutil.rmtree(checkpoint.parents[1])  # weights of a fold are of no further use
        return float(json.loads(record.read_text(encoding="utf-8"))["seconds"])

    def _trained(self, seed: int, fold: int, folder: Path) -> Path:
        """Return the last checkpoint, which is the only one that is evaluated: the held-out pairs choose nothing."""
        item_fold, pair_fold = self._folds(seed)
        ends = item_fold[self.data.pairs.source], item_fold[self.data.pairs.target]
        train = self._write_pairs(folder / "train.jsonl", (ends[0] != fold) & (ends[1] != fold))
        held_out = self._write_pairs(folder / "held_out.jsonl", pair_fold == fold)
        options = self.options
        steps = options.train.steps
        name = f"{options.name}.{folder.name}"
        data = options.data.model_copy(update={"train": train, "val": held_out})
        once = options.train.model_copy(update={"evaluate_every": steps, "save_every": steps, "keep_checkpoints": 1})
        run = options.model_copy(update={"name": name, "seed": seed, "data": data, "train": once})
        with redirect_stdout(StringIO()):
            run_training(run, f"fold {fold} of {self.num_folds}", self.processes)
        last = latest_checkpoint(run_folder(name).checkpoints)
        assert last is not None, "the last step is always saved"
        return last

    def _write_pairs(self, file: Path, rows: Bools) -> SplitOptions:
        ids = list(self.data.catalog.ids())
        pairs = self.data.pairs
        lines = [
            json.dumps({"src_item_id": ids[source], "tgt_item_id": ids[target], "item_label": str(int(same))})
            for source, target, same in self._rows(pairs, rows)
        ]
        write_text(file, "\n".join(lines) + "\n")
        return self.data.files.model_copy(update={"pairs": file})

    def _rows(self, pairs: PairTable, rows: Bools) -> Iterator[tuple[int, int, bool]]:
        columns = pairs.source[rows].tolist(), pairs.target[rows].tolist(), self.data.same[rows].tolist()
        return zip(*columns, strict=True)
