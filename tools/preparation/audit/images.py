"""The images of all splits: each file read once by one of several processes, and what can be wrong with them."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from data.options import ImageOptions
from options.printable import quoted
from tools.preparation.audit.audited_split import AuditedSplit
from tools.preparation.audit.finding import Finding, Severity
from tools.preparation.audit.image_file import ImageFacts, ImageTask, read_facts
from tools.preparation.audit.items import Remark
from tools.preparation.worker_pool import WorkerFailure, run_isolated

ImagesByName = dict[tuple[str, str], ImageFacts]
"""What is known of an image, by folder and name."""

LEAST_SIDE = 16
"""Pixels below which a side is suspicious."""
MANY_PIXELS = 20_000_000
"""Width times height above which decoding is slow."""
WIDEST = 8
"""Longer side over shorter side above which little is left of a picture stretched to a square."""
SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"), "MPO": (".jpg", ".jpeg", ".mpo"), "PNG": (".png", ".apng"),
    "GIF": (".gif",), "BMP": (".bmp", ".dib"), "WEBP": (".webp",), "TIFF": (".tif", ".tiff"),
}  # fmt: skip


def read_images(
    names: Iterable[tuple[str, str]], size: int, follow_links: bool, processes: int, time_limit: float
) -> ImagesByName:
    """Return what is known of each image, given by folder and name.

    Args:
        names: folder and name of each image.
        size: height and width in pixels that the model reads images at.
        follow_links: whether links out of the folder are read.
        processes: number of worker processes.
        time_limit: seconds an image may take.
    """
    tasks = [ImageTask(folder, name, size, follow_links) for folder, name in dict.fromkeys(names)]
    images: ImagesByName = {}
    if not tasks:
        return images
    with tqdm(total=len(tasks), desc="images", unit="image", leave=False) as bar:
        for task, result in run_isolated(
            read_facts, tasks, processes=min(processes, len(tasks)), time_limit=time_limit
        ):
            if isinstance(result, WorkerFailure):
                file = str(Path(task.folder) / task.name)
                result = ImageFacts(file, fault="image-broken", reason=f"cannot be decoded: {result.reason}")
            # Read from a pipe, equal names of formats would be as many strings.
            result = result._replace(format=sys.intern(result.format), mode=sys.intern(result.mode))
            images[task.folder, task.name] = result
            bar.update()
    return images


def image_remarks(facts: ImageFacts, on_fault: Severity) -> Iterator[Remark]:
    """Yield what is wrong with an image; one that cannot be read has the severity on_fault."""
    if facts.fault:
        yield facts.fault, on_fault, facts.reason
        return
    width, height = facts.width, facts.height
    extent = f"{width} x {height} pixels"
    if min(width, height) < LEAST_SIDE:
        yield "image-tiny", Severity.WARNING, f"{extent} are very few"
    if width * height > MANY_PIXELS:
        yield "image-large", Severity.WARNING, f"{extent} take long to decode"
    if max(width, height) > WIDEST * min(width, height):
        yield "image-narrow", Severity.WARNING, f"{extent} are more than {WIDEST}:1"
    if facts.is_one_colour:
        yield "image-one-colour", Severity.WARNING, "is of one single colour as the model sees it"
    suffix = Path(facts.file).suffix
    if suffix.lower() not in SUFFIXES.get(facts.format, ()):
        yield "image-suffix", Severity.NOTE, f"is {facts.format} in spite of the suffix {quoted(suffix)}"


def image_findings(split: AuditedSplit, images: ImagesByName, options: ImageOptions) -> Iterator[Finding]:
    """Yield what is found in the images of a split's items, in the order of the item file.

    An unreadable image is a fault where it would end a run: not with data.image.on_bad_image=blank, and not for
    an item that no pair names.
    """
    folder = str(split.files.images)
    on_fault = Severity.FAULT if options.on_bad_image == "error" else Severity.WARNING
    first: dict[bytes, str] = {}
    seen: set[str] = set()
    for item in split.items:
        facts = images[folder, item.image]
        place = f"image {quoted(item.image)} of item {quoted(item.item_id)}"
        for kind, severity, message in image_remarks(facts, on_fault):
            severity = severity if item.is_paired else Severity.NOTE
            message = f"{place}: {message}"
            yield Finding(kind, severity, split.name, split.files.items, item.line, message, (item.item_id,))
        if item.image in seen or not facts.digest:
            continue
        seen.add(item.image)
        twin = first.setdefault(facts.digest, item.image)
        if twin != item.image:
            message = f"{place} has the bytes of {quoted(twin)}"
            yield Finding(
                "image-repeated", Severity.NOTE, split.name, split.files.items, item.line, message, (item.item_id,)
            )
