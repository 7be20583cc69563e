"""Write the embeddings of all items of a catalogue: python scripts/embed_items.py OPTION_FILE ITEMS IMAGES OUT

scripts/embed_items.sh starts it, on several processes and machines too.
"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, get_args

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.command import command_parser, fast_import, run_parsed
from engine.experiment import ExperimentOptions
from scripts.arguments import at_least_one
from tools.catalogue.embedding_folder import DEFAULT_SHARD_ITEMS
from tools.catalogue.embedding_shard import NumberType

if TYPE_CHECKING:
    import argparse

    from engine.distributed import Processes
    from engine.stop_request import StopRequest

DESCRIPTION = """\
Write the embeddings of all items of a catalogue, in shards, by the checkpoint of predict.checkpoint.
The same command, run again, makes what is missing: after an interruption, or for items appended to ITEMS.
"""


def parser() -> "argparse.ArgumentParser":
    """Return the parser of the command line."""
    parser = command_parser(
        DESCRIPTION,
        items="JSONL file of items",
        images="folder of their images, or a pack of them",
        out="folder of the embeddings, which is made",
    )
    parser.add_argument(
        "--type", choices=get_args(NumberType), default="float32", help="of the numbers that are kept (%(default)s)"
    )
    parser.add_argument(
        "--shard-items",
        type=at_least_one,
        default=DEFAULT_SHARD_ITEMS,
        metavar="N",
        help="items a shard; each process makes shards of its own, and what it is at is lost in a kill (%(default)s)",
    )
    parser.add_argument(
        "--onnx",
        type=Path,
        metavar="FOLDER",
        help="encode on the CPU with what scripts/export_onnx.py has written, in place of the checkpoint",
    )
    return parser


def main() -> None:
    """Embed and print what was written."""
    parsed = parser().parse_intermixed_args()

    def embed(options: ExperimentOptions, command: str, processes: "Processes", stop: "StopRequest") -> None:
        with fast_import():
            from tools.catalogue.embedder import run_embedding
            from tools.catalogue.embedding_job import EmbeddingJob

        job = EmbeddingJob(parsed.items, parsed.images, parsed.out, parsed.type, parsed.shard_items, parsed.onnx)
        started = time.monotonic()
        embedding = run_embedding(options, job, processes, stop)
        if embedding is None:
            return
        record, seconds = embedding.record, time.monotonic() - started
        numbers = f"{record.threshold_width} threshold and {record.match_width} match numbers each, {record.type}"
        print(f"{job.out}: {record.num_items:,} items in {record.num_shards:,} shards, {numbers}")
        num_new = record.num_items - embedding.num_kept
        print(f"{num_new:,} of them encoded now, in {seconds:,.0f} s; {embedding.num_kept:,} were there before")
        if embedding.num_blank_images:
            print(f'unreadable images replaced: {embedding.num_blank_images:,}; their lines say "blank_image": true')

    run_parsed(parsed, embed, connected=False)


if __name__ == "__main__":
    main()
