"""The commands of `bash run.sh data`."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from options.table import aligned_rows
from scripts.arguments import SEEDS, OptionFile, Overrides, positive
from scripts.pictures import CORES, Workers, extract, pack, resize

app = typer.Typer(help="Items, pairs and pictures, made ready for training.", no_args_is_help=True)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    items: Annotated[int, typer.Option(min=1, help="Approximate number.")] = 6000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all randomness.")] = 0,
    image_size: Annotated[int, typer.Option(min=16, help="Pixels a side.")] = 96,
    processes: Annotated[int, typer.Option(min=1, help="Processes that draw.")] = CORES,
    force: Annotated[bool, typer.Option("--force", help="Replace a folder that is already there.")] = False,
) -> None:
    """Make an invented catalogue in the files of the task, with photographs and labelled pairs."""
    from engine.disk import one_at_a_time
    from tools.preparation.demo.catalogue import DemoSettings
    from tools.preparation.demo.write import is_demo_data, kinds_table, write_demo_data

    settings = DemoSettings(out, items, seed, image_size, processes)
    place = out.resolve()
    if force or not is_demo_data(out):
        with one_at_a_time(place.with_name(f".{place.name}.lock")):
            if force or not is_demo_data(out):  # nor did another process make it meanwhile
                print(kinds_table(write_demo_data(settings)))
                return
    print(f"{out} is already there; --force makes it anew")


@app.command()
def attributes(
    items: Annotated[list[Path], typer.Argument(help="Item files.")],
    top: Annotated[int, typer.Option(min=1, help="How many names.")] = 10,
    output: Annotated[Path | None, typer.Option(help="Also write the list to this YAML file.")] = None,
) -> None:
    """Print the attribute names that most items have, as data.text.attributes takes them."""
    from engine.disk import whole_file
    from tools.preparation.attribute_counts import count_attributes, most_frequent, option_line

    counts, num_items = count_attributes(items)
    chosen = most_frequent(counts, top)
    rows = [("items", num_items), ("attribute names", len(counts)), *chosen]
    print(aligned_rows([(name, f"{number:,}") for name, number in rows]))
    line = option_line(name for name, _ in chosen)
    print(line)
    if output is not None:
        with whole_file(output) as stream:
            stream.write(line + "\n")


@app.command()
def split(
    items: Annotated[Path, typer.Argument(help="Item file.")],
    pairs: Annotated[Path, typer.Argument(help="Labelled pair file.")],
    output: Annotated[Path, typer.Argument(help="Folder of the two files.")],
    ratio: Annotated[
        float,
        typer.Option(parser=positive, metavar="NUMBER", help="Training pairs a validation pair, before any drop."),
    ] = 5.6,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Seed of the split.")] = 0,
    images: Annotated[Path | None, typer.Option(help="Folder of the items' images, to look for equal ones.")] = None,
    way: Annotated[Literal["components", "drop-seen"], typer.Option(help="How, as said above.")] = "components",
) -> None:
    """Split labelled pairs into pair_train.jsonl and pair_val.jsonl that share no item.

    components: hold out whole connected components of the pair graph; no pair is lost.

    drop-seen: split the pairs at random, then drop the validation pairs whose items training has seen.
    """
    from tools.preparation.split_files import split_pair_file, split_summary

    print(split_summary(split_pair_file(items, pairs, output, images, way=way, ratio=ratio, seed=seed)))


app.command()(resize)
app.command()(pack)
app.command()(extract)


@app.command()
def audit(
    option_file: OptionFile,
    overrides: Overrides = None,
    details: Annotated[Path | None, typer.Option(help="File of all findings (experiments/<name>/audit.jsonl).")] = None,
    no_images: Annotated[bool, typer.Option("--no-images", help="Look at no image.")] = False,
    workers: Workers = CORES,
) -> None:
    """Find all faults of the items, pairs and images that an option file names at once.

    Training and prediction stop at the first fault of their data; this goes on, and looks for what is suspicious as
    well: contradictory pairs, equal items, items that splits share, strange images, texts that are cut off. A line of
    JSON for each finding goes to the file of details.

    Exit status: 0 nothing worse than notes, 1 warnings, 2 a wrong command line or option file, 3 faults, which would
    end training or prediction or are surely wrong.
    """
    from data.hub import go_offline_without_hub
    from engine.disk import whole_file
    from engine.experiment import ExperimentOptions
    from engine.run_folder import run_folder
    from options.read import read_options

    options = read_options(ExperimentOptions, option_file, overrides or [])
    file = details or run_folder(options.name).root / "audit.jsonl"
    if options.reads.text:
        go_offline_without_hub([options.data.text.tokenizer])
    # The tokenizer's threads are not used in the worker processes, which it would otherwise warn of.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    # transformers takes seconds to import, which wrong options need not wait for.
    from tools.preparation.audit.audit import audit_data
    from tools.preparation.audit.finding import FindingLog
    from tools.preparation.audit.tables import finding_table, summary_table, verdict

    with whole_file(file) as stream:
        log = FindingLog(stream)
        found = audit_data(options, log, images=not no_images, processes=workers)
    print(summary_table(found, options.data.text.max_tokens))
    if log.counts:
        print("", finding_table(log, [split.name for split in found.splits]), sep="\n")
    print("", f"{verdict(log)}; all of them: {file}", sep="\n")
    raise typer.Exit(int(log.worst))
