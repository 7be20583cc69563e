"""Measure speed and memory against a plain way and the machine's limits: python -m benchmarks.speed [--only ROW ...].

prediction     a share of a workload shaped like test B, from its files to the submission file
training       whole training steps, loading included
checkpointing  training steps that compute activations again
full-size      encoding with the published model (with --full-size; takes minutes and 6 GiB)
precisions     encoding in bfloat16 and float16, against float32
lines          writing a submission file
decoding       from photographs to batches
image-store    photographs from packs, against a folder of files
catalogue      reading up to 10 million items
exchange       training on two processes: how gradients are sent
loader-wait    how long the model waits for the loader
evaluation     margins, F1 and best threshold of up to a million pairs
start-up       --help, an option error, the first training step
growth         time and memory of prediction, of 100 to 10,000 items

Both ways take turns, each in a process of its own. Exit status: 0 the two ways agree, 1 they do not.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from benchmarks.arguments import at_least_one, positive_number, seed_number
from benchmarks.speed.bench import Bench
from benchmarks.speed.catalogue import measure_catalogue
from benchmarks.speed.decoding import measure_decoding, measure_image_store
from benchmarks.speed.encoding import measure_full_size, measure_precisions
from benchmarks.speed.evaluation import measure_evaluation
from benchmarks.speed.exchange import measure_exchange
from benchmarks.speed.loader_wait import measure_loader_wait
from benchmarks.speed.machine import machine
from benchmarks.speed.prediction import measure_growth, measure_prediction
from benchmarks.speed.record import BenchmarkRecord, BenchmarkRow, read_record, write_record
from benchmarks.speed.report import format_table, markdown
from benchmarks.speed.settings import MIDDLE, TINY, BenchmarkSettings
from benchmarks.speed.start_up import measure_start_up
from benchmarks.speed.submissions import measure_submission_lines
from benchmarks.speed.training import measure_checkpointing, measure_training
from engine.disk import write_text
from engine.launch import keep_freed_memory
from options.errors import exit_on_user_error

ROWS: dict[str, Callable[[Bench], list[BenchmarkRow]]] = {
    "prediction": measure_prediction,
    "training": measure_training,
    "checkpointing": measure_checkpointing,
    "full-size": measure_full_size,
    "precisions": measure_precisions,
    "lines": measure_submission_lines,
    "decoding": measure_decoding,
    "image-store": measure_image_store,
    "catalogue": measure_catalogue,
    "exchange": measure_exchange,
    "loader-wait": measure_loader_wait,
    "evaluation": measure_evaluation,
    "start-up": measure_start_up,
    "growth": measure_growth,
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help="some of the rows")
    parser.add_argument("--full-size", action="store_true", help="measure the published model, too")
    parser.add_argument("--scale", type=positive_number, default=0.01, help="share of the workloads (%(default)s)")
    parser.add_argument("--rounds", type=at_least_one, default=3, help="rounds of each way (%(default)s)")
    parser.add_argument("--threads", type=at_least_one, default=_threads(), help="of torch (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of the data (%(default)s)")
    parser.add_argument("--tiny", action="store_true", help="tiny models and data: does it run, not how fast is it")
    parser.add_argument("--out", type=Path, default=Path("experiments/speed.json"), help="record (%(default)s)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="report to write from the record")
    parser.add_argument("--report-only", action="store_true", help="measure nothing; report the record of --out")
    return parser.parse_args()


@exit_on_user_error()
def main() -> int:
    """Measure, keep the record and print the table; return the exit status."""
    arguments = parse_arguments()
    record = read_record(arguments.out) if arguments.report_only else _measure(arguments)
    if arguments.markdown is not None:
        write_text(arguments.markdown, markdown(record))
    print(format_table(record.rows))
    return int(record.has_failed)


def _measure(arguments: argparse.Namespace) -> BenchmarkRecord:
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    keep_freed_memory()
    names = arguments.only or [name for name in ROWS if name != "full-size" or arguments.full_size]
    record = BenchmarkRecord(
        date=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        command=shlex.join(["python", "-m", "benchmarks.speed", *sys.argv[1:]]),
        machine=machine(arguments.threads),
        settings={"scale": f"{arguments.scale:g}", "rounds": str(arguments.rounds), "seed": str(arguments.seed)},
        limits=(),
        rows=(),
    )
    with tempfile.TemporaryDirectory(prefix="benchmark_") as folder:
        bench = Bench(_settings(arguments, Path(folder)))
        for name in tqdm(names, desc="benchmark", unit="row"):
            rows = ROWS[name](bench)
            # Kept after every row, so that a later one that fails costs nothing.
            record = replace(record, limits=tuple(bench.limits.values()), rows=(*record.rows, *rows))
            write_record(arguments.out, record)
            tqdm.write(format_table(rows))
    return record


def _settings(arguments: argparse.Namespace, work: Path) -> BenchmarkSettings:
    settings = BenchmarkSettings(
        work, arguments.threads, arguments.rounds, arguments.scale, arguments.seed, TINY if arguments.tiny else MIDDLE
    )
    return replace(settings, demo_items=100, growth=(10, 20, 40)) if arguments.tiny else settings


def _threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS", 0)) or len(os.sched_getaffinity(0))


if __name__ == "__main__":
    sys.exit(main())
