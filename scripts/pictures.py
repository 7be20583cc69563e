"""The commands of `bash run.sh data` that make ready pictures."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from options.table import aligned_figures
from scripts.arguments import positive

CORES = os.cpu_count() or 1

Workers = Annotated[int, typer.Option(min=1, help="Processes that read images.")]


def resize(
    source: Annotated[Path, typer.Argument(help="Folder of picture files, searched with its subfolders.")],
    output: Annotated[Path, typer.Argument(help="Folder of the prepared pictures and of report.jsonl.")],
    size: Annotated[int, typer.Option(min=1, help="Height and width.")] = 384,
    quality: Annotated[int, typer.Option(min=1, help="JPEG quality, 1 to 95.")] = 75,
    processes: Annotated[int, typer.Option(min=1, help="Processes that resize.")] = CORES,
    upright: Annotated[bool, typer.Option("--upright", help="Turn pictures as their EXIF orientation says.")] = False,
    max_pixels: Annotated[int, typer.Option(min=1, help="Larger pictures are refused.")] = 100_000_000,
    time_limit: Annotated[float, typer.Option(help="Seconds a stem may take.")] = 120.0,
) -> None:
    """Stretch every picture of a folder to a square RGB JPEG named <stem>.jpg.

    The picture is stretched as it is stored (--upright turns it as its EXIF orientation says), transparent parts
    become white, and of an animation the first frame counts. Of several files with one stem the first undamaged one by
    name is taken. An interrupted run goes on where it ended.
    """
    from tools.preparation.picture import PictureSettings
    from tools.preparation.resize_report import REPORT_NAME
    from tools.preparation.resize_run import resize_folder

    settings = PictureSettings(size, max_pixels, upright, quality)
    counts = resize_folder(source, output, settings, processes=processes, time_limit=time_limit)
    print(aligned_figures(counts))
    print(f"details: {output / REPORT_NAME}")


def pack(
    images: Annotated[Path, typer.Argument(help="Folder of the items' images.")],
    output: Annotated[Path, typer.Argument(metavar="OUT.pack", help="The file to write, or to replace.")],
    more_items: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More files of --items.")] = None,
    items: Annotated[
        list[Path] | None, typer.Option(metavar="FILE ...", help="Item files; only their images are packed.")
    ] = None,
    kind: Annotated[Literal["jpeg", "pixels"], typer.Option("--as", help="What the file keeps.")] = "jpeg",
    size: Annotated[int, typer.Option(min=1, help="data.image.size")] = 384,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Pack files that links out of the folder lead to.")
    ] = False,
    workers: Workers = CORES,
) -> None:
    """Pack a folder of images into one file, which option files name in place of the folder.

    --as jpeg keeps every image's file as it is, whatever its format, so the pictures are the same as the folder's.
    --as pixels keeps the decoded pictures, stretched to --size: far larger, and nothing is left to decode. Unreadable
    images are listed at the end; training then treats them as it does those of a folder.
    """
    if more_items and not items:
        raise typer.BadParameter(f"{more_items[0]}: name item files after --items")
    from options.printable import shortened
    from tools.preparation.image_packing import PackSettings, pack_images

    files = [*(items or ()), *(more_items or ())]
    report = pack_images(images, output, files, PackSettings(kind, size, follow_links), processes=workers)
    counts = {"images": report.num_images, "unreadable images": len(report.faults)}
    print(aligned_figures({**counts, "megabytes": f"{report.num_bytes / 1e6:,.1f}"}))
    for name, why in report.faults.items():
        print(shortened(f"{name}: {why}", 500))


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
