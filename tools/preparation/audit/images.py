"""The images of all splits: each file read once by one of several processes, and what can be wrong with them."""

import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from tqdm import tqdm

from data.image_bytes import FORMATS, SUFFIXES, ForeignImageError
from data.image_decoding import DECODER_ERRORS, orientation, profile_name
from data.image_store import ImageFolder, ImagePack, open_images
from data.item_image import MAX_PIXELS, BadImageError, MissingImageError, decode_image, naming
from data.options import ImageOptions
from data.stand_ins import stand_ins
from options.printable import quoted
from tools.preparation.audit.audited_split import AuditedSplit
from tools.preparation.audit.finding import SEVERITIES, FileFindings, Severity
from tools.preparation.audit.items import Remark
from tools.preparation.worker_pool import WorkerFailure, run_isolated

LEAST_SIDE = 16
"""Pixels below which a side is suspicious."""
MANY_PIXELS = 20_000_000
"""Width times height above which decoding is slow."""
WIDEST = 8
"""Longer side over shorter side above which little is left of a picture stretched to a square."""


class ImageFacts(NamedTuple):
    """What is known of an image; the figures are 0 and the names empty as far as it cannot be read."""

    file: str
    """As found, which may be `<stem>.jpg`."""
    digest: bytes = b""
    """Hash of the bytes; empty where they cannot be read."""
    num_bytes: int = 0
    format: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    is_one_colour: bool = False
    """As the model sees it."""
    orientation: int = 1
    profile: str = ""
    """Name of its colour profile."""
    fault: str = ""
    """Kind of the finding; empty for an image that can be read."""
    reason: str = ""


ImagesByName = dict[tuple[str, str], ImageFacts]
"""What is known of an image, by folder and name."""


def read_images(
    names: Iterable[tuple[str, str]], options: ImageOptions, processes: int, time_limit: float = 120.0
) -> ImagesByName:
    """Return what is known of each image, given by folder and name; one that takes time_limit seconds is broken."""
    distinct = list(dict.fromkeys(names))
    images: ImagesByName = {}
    read, processes = partial(read_facts, options), min(processes, len(distinct))
    results = run_isolated(read, distinct, processes=processes, time_limit=time_limit)
    for image, result in tqdm(results, total=len(distinct), desc="images", unit="image", leave=False, disable=None):
        if isinstance(result, WorkerFailure):
            result = ImageFacts(str(Path(*image)), fault="image-broken", reason=f"cannot be decoded: {result.reason}")
        # Read from a pipe, equal names of formats would be as many strings.
        images[image] = result._replace(format=sys.intern(result.format), mode=sys.intern(result.mode))
    return images


def read_facts(options: ImageOptions, image: tuple[str, str]) -> ImageFacts:
    """Read an image, given by folder and name, as training would, and describe it; no fault of the file is raised."""
    folder, name = image
    images = _images(folder, options)
    facts = ImageFacts(str(Path(folder, name)))
    with _quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            facts = facts._replace(file=str(images.file(name)))
            content = images.content(name)
            facts = _described(facts, content)
            with naming(Path(facts.file)):
                picture = decode_image(content, options.size, options.rules)
        except BadImageError as error:
            kind, reason = _fault(facts, error)
            return facts._replace(fault=kind, reason=reason)
    return facts._replace(is_one_colour=bool((picture == picture[0, 0]).all()))


@cache
def _images(path: str, options: ImageOptions) -> ImageFolder | ImagePack:
    return open_images(Path(path), options)


def _described(facts: ImageFacts, content: bytes) -> ImageFacts:
    facts = facts._replace(digest=blake2b(content, digest_size=16).digest(), num_bytes=len(content))
    Image.init()
    # What cannot be opened is described by the reading of it.
    with suppress(OSError, *DECODER_ERRORS), Image.open(BytesIO(content), formats=FORMATS) as image:
        facts = facts._replace(format=image.format or "", mode=image.mode, width=image.width, height=image.height)
        if facts.width * facts.height <= MAX_PIXELS:
            facts = facts._replace(orientation=orientation(image), profile=profile_name(image))
    return facts


def _fault(facts: ImageFacts, error: BadImageError) -> tuple[str, str]:
    """Return the kind of the finding of an image that cannot be read, and why."""
    if isinstance(error, MissingImageError):
        return "image-missing", "does not exist"
    if facts.width * facts.height > MAX_PIXELS or isinstance(error.__cause__, Image.DecompressionBombError):
        return "image-too-large", error.reason
    if isinstance(error.__cause__, ForeignImageError):
        return "image-unsupported", error.reason
    return "image-broken", f"unreadable image: {error.reason}"


def _stand_ins(split: AuditedSplit, options: ImageOptions) -> dict[str, str]:
    """Return by name the file from which a picture is read that may be another one, and who else reads it."""
    assert split.files.images is not None
    images = _images(str(split.files.images), options)
    return {
        name: f"{quoted(file)}, which is read for {' and '.join(map(quoted, readers))}"
        for file, readers in stand_ins((item.image for item in split.items), images).items()
        for name in readers
        if name != file
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep libtiff from writing to the terminal, past Python and with the file's own signs."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def image_remarks(facts: ImageFacts) -> Iterator[Remark]:
    """Yield what is wrong with an image; of one that cannot be read, that alone."""
    if facts.fault:
        yield facts.fault, facts.reason
        return
    width, height = facts.width, facts.height
    extent = f"{width} x {height} pixels"
    if min(width, height) < LEAST_SIDE:
        yield "image-tiny", f"{extent} are very few"
    if width * height > MANY_PIXELS:
        yield "image-large", f"{extent} take long to decode"
    if max(width, height) > WIDEST * min(width, height):
        yield "image-narrow", f"{extent} are more than {WIDEST}:1"
    if facts.is_one_colour:
        yield "image-one-colour", "is of one single colour as the model sees it"
    if facts.orientation != 1:
        message = f"is stored lying or mirrored (orientation {facts.orientation}); data.image.upright=true turns it"
        yield "image-turned", message
    if facts.profile and "srgb" not in facts.profile.lower():
        message = f"has the colour profile {quoted(facts.profile)}; data.image.color_profile=srgb converts it"
        yield "image-profile", message
    suffix = Path(facts.file).suffix
    if suffix.lower() not in SUFFIXES.get(facts.format, SUFFIXES["JPEG"]):  # several JPEG pictures are MPO to Pillow
        yield "image-suffix", f"is {facts.format} in spite of the suffix {quoted(suffix)}"


def report_images(split: AuditedSplit, images: ImagesByName, options: ImageOptions, found: FileFindings) -> None:
    """Report what is found in the images of a split's items, in the order of the item file.

    An unreadable image is a fault where it would end a run: not with data.image.on_bad_image=blank, and not for
    an item that no pair names.
    """
    folder, stand_in = str(split.files.images), _stand_ins(split, options)
    worst = Severity.FAULT if options.on_bad_image == "error" else Severity.WARNING
    first: dict[bytes, str] = {}
    seen: set[str] = set()
    for item in split.items:
        facts = images[folder, item.image]
        place = f"image {quoted(item.image)} of item {quoted(item.item_id)}"
        others = [("image-stand-in", f"is read from {other}") for other in [stand_in.get(item.image)] if other]
        for kind, message in (*image_remarks(facts), *others):
            severity = min(SEVERITIES[kind], worst) if item.is_paired else Severity.NOTE
            found.add(kind, item.line, f"{place}: {message}", item.item_id, severity=severity)
        if item.image in seen or not facts.digest:
            continue
        seen.add(item.image)
        twin = first.setdefault(facts.digest, item.image)
        if twin != item.image:
            found.add("image-repeated", item.line, f"{place} has the bytes of {quoted(twin)}", item.item_id)
