"""Hold recipes against peers: python -m benchmarks.matching FOLDER ... [--recipes FILE ...] [--seeds 0 1 2]

A folder has items.jsonl (or item_info.jsonl), pairs_train.jsonl, pairs_val.jsonl and, if there are pictures, images/. A
recipe is trained and predicts by its commands in processes of their own; its threshold comes from one half of the
validation pairs, F1 from the other, both ways round. `--for NAME section.key=value ...` gives what a folder needs,
such as the encoder of its language. With --seconds the losses of sentence-transformers, which has to be installed, are
trained as well, each for so many seconds of processor time, on the encoder of --encoder.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.matching.halves import Half, halves
from benchmarks.matching.peers import LOSSES, PEERS, Peer, sentence_transformers
from options.errors import UserError, exit_on_user_error
from options.table import aligned_rows

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run and print a table as soon as a folder is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--recipes", nargs="*", type=Path, default=[ROOT / "options/small_data.yml"], metavar="FILE")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--for", nargs="+", action="append", default=[], dest="own", metavar=("NAME", "OPTION"))
    parser.add_argument("--seconds", type=float, help="of processor time, for each loss of sentence-transformers")
    parser.add_argument("--encoder", help="folder of the encoder that sentence-transformers trains")
    parsed = parser.parse_args(arguments)
    if (parsed.seconds is None) != (parsed.encoder is None):
        parser.error("--seconds and --encoder belong together")
    peers = dict(PEERS)
    if parsed.seconds is not None:
        peers |= {name: sentence_transformers(parsed.encoder, name, parsed.seconds) for name in LOSSES}
    own = {name: options for name, *options in parsed.own}
    with exit_on_user_error(), TemporaryDirectory() as work:
        for folder in parsed.folders:
            print(f"{folder.name}, {len(parsed.seeds)} seeds")
            rows = _rows(folder.resolve(), Path(work), parsed.seeds, peers, parsed.recipes, own.get(folder.name, []))
            print(aligned_rows([("", "F1, median", "lowest", "highest", "processor seconds"), *rows]), flush=True)


def _rows(
    folder: Path,
    work: Path,
    seeds: Sequence[int],
    peers: Mapping[str, Peer],
    recipes: Sequence[Path],
    overrides: Sequence[str],
) -> Iterator[tuple[str, ...]]:
    """Yield the row of each peer and recipe: of the mean F1 of both halves of each seed."""
    for name, peer in peers.items():
        started = time.process_time()
        found = [sum(peer(half, seed) for half in halves(folder, work, seed)) / 2 for seed in seeds]
        yield _row(name, found, (time.process_time() - started) / (2 * len(seeds)))
    for recipe in recipes:
        started = _seconds_of_children()
        found = [_recipe_f1(recipe, folder, work, seed, overrides) for seed in seeds]
        yield _row(recipe.stem, found, (_seconds_of_children() - started) / (2 * len(seeds)))


def _row(name: str, found: Sequence[float], seconds: float) -> tuple[str, ...]:
    return name, f"{median(found):.4f}", f"{min(found):.4f}", f"{max(found):.4f}", f"{seconds:.0f}"


def _recipe_f1(recipe: Path, folder: Path, work: Path, seed: int, overrides: Sequence[str]) -> float:
    both = [
        _trained_f1(recipe, half, work, f"{folder.name}_{recipe.stem}_{seed}_{number}", [f"seed={seed}", *overrides])
        for number, half in enumerate(halves(folder, work, seed))
    ]
    return sum(both) / len(both)


def _trained_f1(recipe: Path, half: Half, work: Path, name: str, overrides: Sequence[str]) -> float:
    """Train and predict by the commands; raises UserError where one of them fails."""
    files = {"train": half.train, "val": half.chosen_on, "test": half.scored_on}
    given = [f"name={name}", *overrides]
    for split, pairs in files.items():
        given += [f"data.{split}.items={half.items}", f"data.{split}.pairs={pairs}"]
        given += [f"data.{split}.images={half.images}"] if half.images is not None else []
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    for script in ("train.py", "predict.py"):
        command = [sys.executable, str(ROOT / script), str(recipe.resolve()), *given]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"{script} {recipe}: ended with status {done.returncode}: {done.stderr[-2000:]}")
    figures = json.loads((work / f"experiments/{name}/predictions/test.metrics.json").read_text(encoding="utf-8"))
    return float(figures["f1"])


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
