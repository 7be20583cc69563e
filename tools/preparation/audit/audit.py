"""All splits of an option file, looked at from end to end."""

from dataclasses import dataclass
from itertools import combinations

from data.image_store import ImagePack, open_images
from data.options import ImageOptions, SplitOptions
from data.tokenizer import Tokenizer
from engine.experiment import ExperimentOptions
from options.errors import UserError
from tools.preparation.audit.audited_split import AuditedSplit
from tools.preparation.audit.finding import Finding, Severity
from tools.preparation.audit.finding_log import FindingLog
from tools.preparation.audit.image_findings import image_findings
from tools.preparation.audit.image_reading import ImagesByName, read_images
from tools.preparation.audit.item_file import ItemReading, audit_items
from tools.preparation.audit.overlap_checks import overlap_findings
from tools.preparation.audit.pair_checks import pair_findings
from tools.preparation.audit.pair_lines import PairLines, read_pair_lines
from tools.preparation.audit.token_lengths import UNTRIMMED

SPLITS = ("train", "val", "test")
SECONDS_AN_IMAGE = 120.0
"""Time after which an image counts as one that cannot be decoded."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was looked at; what was found is in the log."""

    splits: list[AuditedSplit]
    images: ImagesByName
    """Empty where none were read."""


def audit_data(options: ExperimentOptions, log: FindingLog, *, images: bool, processes: int) -> Audit:
    """Look at every record and image of the splits that the options name, and report to the log.

    Args:
        options: a whole option file.
        log: takes what is found.
        images: whether to read images, if the model does.
        processes: worker processes for images.

    Raises:
        UserError: the options name no split, or the tokenizer cannot be found.
    """
    files = {name: split for name in SPLITS if (split := options.data.split(name)) is not None}
    if not files:
        raise UserError("data: names none of train, val and test; there is nothing to audit")
    text = options.data.text
    tokenizer = Tokenizer(text.tokenizer, UNTRIMMED) if options.reads.text else None
    pairs = {name: read_pair_lines(name, split.pairs, log.add) for name, split in files.items()}
    for name, split_pairs in pairs.items():
        log.extend(pair_findings(name, split_pairs))
    reading = ItemReading(options, tokenizer, log)
    splits = [
        audit_items(name, split, pairs[name], _named_elsewhere(name, files, pairs), reading)
        for name, split in files.items()
    ]
    with_images = _with_images(splits, options.data.image, log) if options.reads.image else []
    looked_at = _audit_images(with_images, options, log, processes) if images else {}
    for earlier, later in combinations(splits, 2):
        is_validation = (earlier.name, later.name) == ("train", "val")
        refused = is_validation and options.data.on_split_overlap == "error"
        on_same_item = Severity.FAULT if refused else Severity.WARNING
        log.extend(
            overlap_findings(earlier, later, looked_at, on_same_item=on_same_item, reads_text=options.reads.text)
        )
    return Audit(splits, looked_at)


def _named_elsewhere(name: str, files: dict[str, SplitOptions], pairs: dict[str, PairLines]) -> set[str]:
    """Return the ids that pairs of other splits with the same item file name."""
    here = files[name].items.resolve()
    others = (other for other in files if other != name and files[other].items.resolve() == here)
    return {item_id for other in others for item_id in pairs[other].numbers}


def _with_images(splits: list[AuditedSplit], image: ImageOptions, log: FindingLog) -> list[AuditedSplit]:
    """Return the splits whose folder or pack of images can be read, and report the others."""
    there = []
    for split in splits:
        try:
            open_images(split.files.images, image)
        except UserError as error:
            message = str(error).removeprefix(f"{split.files.images}: ")
            kind = "file-unreadable" if split.files.images.exists() else "file-missing"
            log.add(Finding(kind, Severity.FAULT, split.name, split.files.images, None, message))
        else:
            there.append(split)
    return there


def _audit_images(
    splits: list[AuditedSplit], options: ExperimentOptions, log: FindingLog, processes: int
) -> ImagesByName:
    image = options.data.image
    for split in splits:
        _refuse_pixels(split, image)
    names = ((str(split.files.images), item.image) for split in splits for item in split.items)
    images = read_images(names, image.size, image.follow_links, processes, SECONDS_AN_IMAGE)
    for split in splits:
        log.extend(image_findings(split, images, options.data.image))
    return images


def _refuse_pixels(split: AuditedSplit, options: ImageOptions) -> None:
    images = open_images(split.files.images, options)
    if isinstance(images, ImagePack) and images.pack.header.kind == "pixels":
        raise UserError(
            f"{images.path}: holds pixels, no image files to audit; name the folder that it was made of "
            f"(data.{split.name}.images=FOLDER), or audit the text alone with --no-images"
        )
