"""The commands of `bash run.sh catalogue`."""

import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scripts import catalogue_pairs
from scripts.arguments import Checkpoint, Embeddings, Index, Overrides, Threshold, chosen_threshold
from tools.catalogue.index_plan import KindName

if TYPE_CHECKING:
    from engine.distributed import Processes
    from engine.experiment import ExperimentOptions
    from engine.stop_request import StopRequest

IS_OVERRIDE = re.compile(r"[\w.]+=")
"""How an argument section.key=value begins."""

app = typer.Typer(help="A whole catalogue, embedded and searched.", no_args_is_help=True)
app.add_typer(catalogue_pairs.app)

ShardItems = Annotated[
    int, typer.Option(min=1, metavar="N", help="Items a shard; a process makes one at a time, a kill loses that one.")
]
IndexKind = Annotated[
    Literal["auto", KindName],
    typer.Option(help="Of FAISS's index; auto is exact for up to 100,000 items, else the most exact that fits."),
]
Probes = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Lists that a search looks through (32), or candidates of hnsw (128)."),
]


@app.command()
def embed(
    option_file: Annotated[Path, typer.Argument(metavar="OPTION_FILE", help="YAML file, such as options/demo.yml.")],
    items: Annotated[Path, typer.Argument(metavar="ITEMS", help="JSONL file of items.")],
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder or pack of their images, if they are read.")],
    out: Annotated[Path | None, typer.Argument(metavar="OUT", help="Folder that is made.")] = None,
    overrides: Overrides = None,
    type_: Annotated[Literal["float32", "float16"], typer.Option("--type", help="Of what is kept.")] = "float32",
    shard_items: ShardItems = 16_384,
    onnx: Annotated[Path | None, typer.Option(help="Folder of `exchange onnx`, to encode with it on the CPU.")] = None,
    check: Annotated[bool, typer.Option("--check", hidden=True)] = False,
) -> None:
    """Write the embeddings of all items of a catalogue, in shards.

    The encoder is the checkpoint of predict.checkpoint. The same command, run again, makes what is missing: after an
    interruption, or for items appended to ITEMS. Every option, its type, default and meaning: options/REFERENCE.md.
    """
    from engine.command import fast_import, run_action

    pictures: Path | None = images
    folder = out
    if folder is None or IS_OVERRIDE.match(str(folder)):  # IMAGES, which are not read, were left out
        pictures, folder, overrides = None, images, [*([str(out)] if out else []), *(overrides or [])]

    def run(options: "ExperimentOptions", command: str, processes: "Processes", stop: "StopRequest") -> None:
        with fast_import():
            from tools.catalogue.embedder import EmbeddingJob, run_embedding

        job = EmbeddingJob(items, pictures, folder, type_, shard_items, onnx)
        embedding = run_embedding(options, job, processes, stop)
        if embedding is not None:
            print("\n".join(embedding.lines(folder)))

    # Several processes are started by engine.launch, once --check has found the options right, and do not meet.
    run_action(run, option_file, overrides or [], check, connected=False)


@app.command()
def index(
    embeddings: Embeddings,
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="Folder that is made.")],
    backend: Annotated[Literal["faiss", "milvus"], typer.Option(help="Engine.")] = "faiss",
    kind: IndexKind = "auto",
    memory: Annotated[float, typer.Option(metavar="GB", help="That FAISS's index may take.")] = 8.0,
    probes: Probes = None,
    address: Annotated[str, typer.Option(help="Of a Milvus cluster, http://host:19530; else it runs embedded.")] = "",
    collection: Annotated[str, typer.Option(help="Of Milvus (of a new index or a rebuilt one: items).")] = "",
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Replace an index that is there.")] = False,
) -> None:
    """Index the embeddings of a catalogue for searching.

    Run again after they have changed, it adds new items, removes those that are gone and replaces changed ones.
    """
    if not 0.0 < memory < math.inf:
        raise typer.BadParameter(f"{memory} is no number above 0", param_hint="--memory")
    if backend == "faiss" and (address or collection):
        raise typer.BadParameter("is one of --backend milvus", param_hint="--address" if address else "--collection")
    if backend == "milvus" and (kind != "auto" or probes):
        hint = "--probes" if probes else "--kind"
        raise typer.BadParameter("is one of --backend faiss; Milvus chooses its own", param_hint=hint)
    from tools.catalogue.embedding_folder import open_embeddings
    from tools.catalogue.index_sync import IndexChoice, synchronise

    choice = IndexChoice(backend, kind, memory * 1e9, probes, address, collection, rebuild)
    change = synchronise(open_embeddings(embeddings), index, choice)
    record = change.record
    num_items = record.num_rows - record.num_removed
    print(f"{index}: {num_items:,} items in an index of {record.backend}, kind {record.kind}")
    print(f"{change.num_added:,} added, {change.num_removed:,} removed, {change.num_kept:,} kept")
    if record.num_removed > num_items:
        print("most of its rows are of removed items; --rebuild frees their memory")


@app.command()
def search(
    index: Index,
    items: Annotated[list[str] | None, typer.Argument(metavar="ITEM", help="Id of an item in the index.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Items that are shown of each.")] = 10,
    image: Annotated[Path | None, typer.Option(help="Of an item that is not in the index.")] = None,
    title: Annotated[str, typer.Option(help="Of that item.")] = "",
    attribute: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Of that item; repeatable.")] = None,
    category: Annotated[str, typer.Option(help="Of that item, for thresholds that differ by category.")] = "",
    threshold: Threshold = "calibrated",
    checkpoint: Checkpoint = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print lines of JSON in place of a table.")] = False,
) -> None:
    """Find the items most like others in an index.

    ITEM is the id of an item in the index. One that is not in it is given by --image, --title and --attribute, as far
    as the model reads them, and encoded by the checkpoint that the index is of.
    """
    limit = chosen_threshold(threshold)
    if bool(image or title or attribute) == bool(items):
        raise typer.BadParameter("give either ids of items or a new item (--image, --title, --attribute)")
    if wrong := [text for text in attribute or () if "=" not in text]:
        raise typer.BadParameter(f"{wrong[0]!r} is not KEY=VALUE", param_hint="--attribute")
    from tools.catalogue.index_folder import open_index
    from tools.catalogue.search import (
        found_lines,
        found_table,
        index_rule,
        judged,
        neighbours_of,
        new_neighbours,
        shortfalls,
    )

    opened = open_index(index)
    if items:
        found = neighbours_of(opened, items, k)
    else:
        found = {"": new_neighbours(opened, checkpoint, title, attribute or (), image, k)}
    rule, source = index_rule(opened, limit, checkpoint)
    lines = judged(opened, rule, found, category)
    print("\n".join(found_lines(lines)) if jsonl else found_table(lines))
    print(f"threshold: {source}", file=sys.stderr)
    for shortfall in shortfalls(opened, found, k):
        print(shortfall, file=sys.stderr)
    if not opened.has_embeddings:
        print(f"margins are the index's own: {opened.record.embeddings} holds no embeddings any more", file=sys.stderr)


@app.command()
def verify(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="That `catalogue embed` or `catalogue index` wrote.")
    ],
) -> None:
    """Check every byte of embeddings or of an index.

    Status 2 with all faults: a file whose checksum is another one, numbers that are not finite, an item that is there
    twice, records that cannot be so.
    """
    from tools.catalogue.verify import verify_folder

    print(verify_folder(folder))
