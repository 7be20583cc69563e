"""The training runs of a cross-validation: one a fold and seed, of which the scores of the held-out pairs are kept."""

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from io import StringIO
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from engine.checkpoint_folder import latest_checkpoint
from engine.disk import read_json, write_json, write_text
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.pair_scores import VALIDATION, read_scores
from engine.run_folder import RUNS, run_folder
from engine.trainer import run_training
from options.read import write_options
from tools.study.folds import PairPool, pair_folds, product_folds
from tools.study.held_out import Decided, HeldOut

TRAIN, HELD_OUT = "train.jsonl", "held_out.jsonl"
"""The pairs of a fold's training and those held out, beside its scores."""


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What is kept of a fold's training beside its pairs and scores."""

    seconds: float
    """That the training took."""
    items: str | None = None
    """SHA-256 of the item file's content; runs of earlier versions lack it."""


@dataclass(frozen=True, slots=True)
class CrossValidator:
    """Trains and scores an option file fold by fold."""

    options: ExperimentOptions
    pool: PairPool
    num_folds: int
    processes: Processes

    def decided(self, seeds: Sequence[int]) -> Decided:
        """Return the decisions on held-out pairs in each seed; what earlier calls have trained is not trained again."""
        tasks = [(seed, fold) for seed in seeds for fold in range(self.num_folds)]
        shown = tqdm(tasks, desc=self.options.name, unit="fold", disable=None)
        seconds = float(np.mean([self._scored(*task) for task in shown]))
        held_out = [self._held_out(seed) for seed in seeds]
        return Decided.of_seeds(self.options.name, held_out, self.pool.same, seconds)

    def _folds(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        item_fold = product_folds(self.pool.pairs, self.pool.listing, self.num_folds, seed)
        return item_fold, pair_folds(self.pool.pairs, item_fold)

    def _held_out(self, seed: int) -> HeldOut:
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
        pairs = self._pair_texts(seed, fold)
        kept = read_json(record, KeptRun, f"remove {folder}")
        items = self.pool.catalog.digest()
        files = {folder / name: text.encode() for name, text in pairs.items()}
        of_pairs = all(file.is_file() and file.read_bytes() == text for file, text in files.items())
        if kept is not None and not (of_pairs and kept.items in (None, items)):
            tqdm.write(f"{folder}: was trained on other items, pairs or labels; it is trained again", sys.stderr)
            kept = None
        if kept is None:
            record.unlink(missing_ok=True)  # what it stands for is overwritten now
            started = time.perf_counter()
            checkpoint = self._trained(seed, fold, folder, pairs)
            shutil.copy(checkpoint / VALIDATION, folder / VALIDATION)
            kept = KeptRun(time.perf_counter() - started, items)
            write_json(record, asdict(kept))
            shutil.rmtree(checkpoint.parents[1])  # weights of a fold are of no further use
        return kept.seconds

    def _trained(self, seed: int, fold: int, folder: Path, pairs: Mapping[str, str]) -> Path:
        """Return the last checkpoint, which is the only one that is evaluated: the held-out pairs choose nothing."""
        for file, text in pairs.items():
            write_text(folder / file, text)
        train, held_out = (self.pool.files.model_copy(update={"pairs": folder / file}) for file in (TRAIN, HELD_OUT))
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

    def _pair_texts(self, seed: int, fold: int) -> dict[str, str]:
        """Return the pair files of a fold by their names."""
        item_fold, pair_fold = self._folds(seed)
        ids = list(self.pool.catalog.ids())
        pairs = self.pool.pairs
        columns = zip(pairs.source.tolist(), pairs.target.tolist(), self.pool.same.tolist(), strict=True)
        lines = [
            json.dumps({"src_item_id": ids[source], "tgt_item_id": ids[target], "item_label": str(int(same))}) + "\n"
            for source, target, same in columns
        ]
        outside = item_fold != fold
        rows = {TRAIN: outside[pairs.source] & outside[pairs.target], HELD_OUT: pair_fold == fold}
        return {file: "".join(compress(lines, chosen)) for file, chosen in rows.items()}
