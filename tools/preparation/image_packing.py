"""Pack a folder of images into one file, with several processes that look at each image."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from data.image_pack import PackWriter, Stored, is_pack
from data.image_store import ImageFolder
from data.item_catalog import read_items
from data.item_image import BadImageError, MissingImageError, decode_image, naming
from data.options import AS_STORED, PictureRules
from data.stand_ins import stand_in_warnings
from engine.disk import whole_path
from options.errors import UserError
from tools.preparation.worker_pool import WorkerFailure, run_isolated

OF_RECORDS = frozenset({".json", ".jsonl"})
"""Suffixes of files that stand beside images, such as the report of bash run.sh data resize."""

OUTWARD_LINK = "it is a link out of the images folder; pack it with --follow-links if the links are your own"


@dataclass(frozen=True, slots=True)
class PackSettings:
    """What becomes of an image."""

    stored: Stored
    size: int
    """Height and width of the pixels."""
    follow_links: bool
    rules: PictureRules = AS_STORED
    """By which pixels are read."""


class PackedImage(NamedTuple):
    """What the pack is to hold of an image."""

    name: str
    """As found, which may be `<stem>.jpg`."""
    content: bytes | None
    """None where there is nothing to hold but the reason."""
    fault: str
    """Why it cannot be read; empty where it can."""
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class PackReport:
    """What was packed."""

    num_images: int
    """Those that can be read."""
    num_bytes: int
    """Of the pack."""
    faults: dict[str, str]
    """Why an image cannot be read, by its name, in the order of names."""
    warnings: list[str]
    """Of images that are read from files of other names."""


def pack_images(
    folder: Path, output: Path, item_files: Sequence[Path], settings: PackSettings, *, processes: int
) -> PackReport:
    """Write a pack of a folder's images, of those that the item files name if there are any.

    Unreadable images are reported. Their files are packed all the same if files are packed, and otherwise the reasons,
    so that reading the pack says what reading the folder says. Images lie in the order in which they were done.

    Raises:
        UserError: the folder or an item file cannot be read, or the output cannot be written or is no pack.
    """
    _check_output(output, folder)
    names = _names(folder, item_files)
    if not names:
        raise UserError(f"{folder}: no files in it")
    faults: dict[str, str] = {}
    done: set[str] = set()
    results = run_isolated(partial(packed_image, folder, settings), names, processes=min(processes, len(names)))
    with whole_path(output) as temporary, temporary.open("wb") as stream:
        writer = PackWriter(stream, settings.stored, settings.size, settings.rules)
        for name, result in tqdm(results, total=len(names), desc="pack", unit="image", disable=None):
            image = PackedImage(name, None, result.reason) if isinstance(result, WorkerFailure) else result
            if image.name in done:
                continue  # of two items whose images are one `<stem>.jpg`
            done.add(image.name)
            if image.fault:
                faults[image.name] = image.fault
            if image.content is not None:
                writer.add(image.name, image.content)
            elif not image.is_missing:
                writer.add(image.name, image.fault.encode("utf-8", "replace"), is_fault=True)
        writer.finish()
    warnings = stand_in_warnings(names, ImageFolder(folder, settings.follow_links)) if item_files else []
    return PackReport(len(done) - len(faults), output.stat().st_size, dict(sorted(faults.items())), warnings)


def packed_image(folder: Path, settings: PackSettings, name: str) -> PackedImage:
    """Read and decode one image; no fault of it raises anything."""
    images = ImageFolder(folder, settings.follow_links)
    try:
        file = images.file(name)
    except BadImageError:
        return PackedImage(name, None, OUTWARD_LINK)
    content = None
    try:
        content = images.content(name)
        with naming(file):
            pixels = decode_image(content, settings.size, settings.rules)
    except BadImageError as error:
        kept = content if settings.stored == "files" else None
        return PackedImage(file.name, kept, error.reason, isinstance(error, MissingImageError))
    return PackedImage(file.name, content if settings.stored == "files" else pixels.tobytes(), "")


def _names(folder: Path, item_files: Sequence[Path]) -> list[str]:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of images")
    if item_files:
        return sorted({item.image for file in item_files for item in read_items(file)})
    try:
        with os.scandir(folder) as entries:
            files = (entry.name for entry in entries if entry.is_file())
            return sorted(name for name in files if Path(name).suffix not in OF_RECORDS)
    except OSError as error:
        raise UserError(f"{folder}: cannot be listed: {error.strerror}") from error


def _check_output(output: Path, folder: Path) -> None:
    if output.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{output}: lies inside the folder of images {folder}; choose another place")
    try:
        if output.exists() and not (output.is_file() and is_pack(output)):
            raise UserError(f"{output}: is there and is no pack; choose another name, or remove it")
    except OSError as error:
        raise UserError(f"{output}: cannot be read: {error.strerror}") from error
