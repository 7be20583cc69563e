"""The commands of `bash run.sh data`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from options.table import aligned_figures, aligned_rows
from scripts.arguments import SEEDS, OptionFile, Overrides, positive

app = typer.Typer(help="Items, pairs and pictures, made ready for training.", no_args_is_help=True)

CORES = os.cpu_count() or 1

Workers = Annotated[int, typer.Option(min=1, help="Processes that read images.")]
Upright = Annotated[bool, typer.Option("--upright/--no-upright", help="Turn pictures as their EXIF orientation says.")]
ColorProfile = Annotated[
    Literal["keep", "srgb"], typer.Option(help="Pass embedded colour profiles over, or convert them to sRGB.")
]


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


@app.command()
def resize(
    source: Annotated[Path, typer.Argument(help="Folder of picture files, searched with its subfolders.")],
    output: Annotated[Path, typer.Argument(help="Folder of the prepared pictures and of report.jsonl.")],
    size: Annotated[int, typer.Option(min=1, help="Height and width.")] = 384,
    quality: Annotated[int, typer.Option(min=1, help="JPEG quality, 1 to 95.")] = 75,
    processes: Annotated[int, typer.Option(min=1, help="Processes that resize.")] = CORES,
    upright: Upright = False,
    color_profile: ColorProfile = "keep",
    max_pixels: Annotated[int, typer.Option(min=1, help="Larger pictures are refused.")] = 100_000_000,
    time_limit: Annotated[float, typer.Option(help="Seconds a stem may take.")] = 120.0,
) -> None:
    """Stretch every picture of a folder to a square RGB JPEG named <stem>.jpg.

    The picture is stretched as it is stored (--upright turns it as its EXIF orientation says), transparent parts
    become white, and of an animation the first frame counts. Of several files with one stem the first undamaged one by
    name is taken. An interrupted run goes on where it ended.
    """
    from tools.preparation.picture import PictureSettings
    from tools.preparation.resize_run import resize_folder

    settings = PictureSettings(size, max_pixels, upright, quality, color_profile)
    counts = resize_folder(source, output, settings, processes=processes, time_limit=time_limit)
    print(aligned_figures(counts))
    print(f"details: {output / 'report.jsonl'}")


@app.command()
def pack(
    images: Annotated[Path, typer.Argument(help="Folder of the items' images.")],
    output: Annotated[Path, typer.Argument(metavar="OUT.pack", help="The file to write, or to replace.")],
    more_items: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More files of --items.")] = None,
    items: Annotated[
        list[Path] | None, typer.Option(metavar="FILE ...", help="Item files; only their images are packed.")
    ] = None,
    stored: Annotated[Literal["files", "pixels"], typer.Option("--as", help="What the file keeps.")] = "files",
    size: Annotated[int, typer.Option(min=1, help="data.image.size")] = 384,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Pack what links out of the folder lead to.")
    ] = False,
    upright: Upright = False,
    color_profile: ColorProfile = "keep",
    workers: Workers = CORES,
) -> None:
    """Pack a folder of images into one file, which option files name in place of the folder.

    --as files keeps every image's file as it is, whatever its format, so the pictures are the same as the folder's.
    --as pixels keeps the decoded pictures, read as --size, --upright and --color-profile say, which data.image has to
    say too: far larger, and nothing is left to decode. Unreadable images are listed at the end; training then treats
    them as it does those of a folder.
    """
    if more_items and not items:
        raise typer.BadParameter(f"{more_items[0]}: name item files after --items")
    from data.options import PictureRules
    from options.printable import shortened
    from tools.preparation.image_packing import PackSettings, pack_images

    files = [*(items or ()), *(more_items or ())]
    settings = PackSettings(stored, size, follow_links, PictureRules(upright, color_profile))
    report = pack_images(images, output, files, settings, processes=workers)
    counts = {"images": report.num_images, "unreadable images": len(report.faults)}
    print(aligned_figures({**counts, "megabytes": f"{report.num_bytes / 1e6:,.1f}"}))
    for warning in report.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for name, why in report.faults.items():
        print(shortened(f"{name}: {why}", 500))


@app.command()
def extract(
    archives: Annotated[list[Path], typer.Argument(help="Archives, parts, or folders of them.")],
    output: Annotated[Path, typer.Argument(help="Folder to extract to.")],
    max_files: Annotated[int, typer.Option(min=1, help="Files of an archive.")] = 2_000_000,
    max_bytes: Annotated[int, typer.Option(min=1, help="Size of its files.")] = 500 * 2**30,
    max_ratio: Annotated[
        float, typer.Option(parser=positive, metavar="NUMBER", help="Extracted over compressed size.")
    ] = 100.0,
) -> None:
    """Extract zip archives, whole or in parts, each into a folder of its own name.

    Parts are read where they lie, without joining them on disk: NAME.zip.001 ..., NAME.zip.partaa ...,
    NAME.zip.aa ..., and NAME.z01 ... NAME.zip. An archive with a member that would leave the folder, a link, or more
    than the limits is refused as a whole. An interrupted extraction goes on where it ended.
    """
    from tools.preparation.archive_parts import find_archives
    from tools.preparation.extraction import ExtractionLimits, extract_archive

    for archive in find_archives(archives):
        counts = extract_archive(archive, output, ExtractionLimits(max_files, max_bytes, max_ratio))
        print(
            f"{output / archive.name}: {counts.extracted:,} files extracted, {counts.kept:,} kept, "
            f"from {len(archive.parts)} part(s)"
        )


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
