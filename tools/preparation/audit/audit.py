"""All splits of an option file, looked at from end to end."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from data.image_store import ImagePack, open_images
from data.options import ImageOptions, SplitOptions
from data.tokenizer import Tokenizer
from engine.experiment import ExperimentOptions
from options.errors import UserError
from options.printable import quoted
from tools.preparation.audit.audited_split import UNTRIMMED, AuditedSplit, ItemReading, audit_items
from tools.preparation.audit.finding import Finding, FindingLog, Severity
from tools.preparation.audit.images import ImagesByName, image_findings, read_images
from tools.preparation.audit.items import ItemDigest
from tools.preparation.audit.pairs import PairLines, pair_findings, read_pair_lines, shared_pair_findings

SPLITS = ("train", "val", "test")


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
    if "val" in pairs and "test" in pairs:
        log.extend(shared_pair_findings(pairs["val"], pairs["test"]))
    reading = ItemReading(options, tokenizer, log)
    splits = [
        audit_items(name, split, pairs[name], _named_elsewhere(name, files, pairs), reading)
        for name, split in files.items()
    ]
    with_images = _with_images(splits, options.data.image, log, read=images) if options.reads.image else []
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


def _with_images(
    splits: list[AuditedSplit], options: ImageOptions, log: FindingLog, *, read: bool
) -> list[AuditedSplit]:
    """Return the splits whose folder or pack of images can be read, and report the others.

    Raises:
        UserError: they are to be read, and a pack holds pixels.
    """
    there = []
    for split in splits:
        folder = split.files.images
        assert folder is not None, "the options were checked"
        try:
            images = open_images(folder, options)
        except UserError as error:
            kind = "file-unreadable" if folder.exists() else "file-missing"
            message = str(error).removeprefix(f"{folder}: ")
            log.add(Finding(kind, Severity.FAULT, split.name, folder, None, message))
            continue
        if read and isinstance(images, ImagePack) and images.pack.header.stored == "pixels":
            raise UserError(
                f"{images.path}: holds pixels, no image files to audit; name the folder that it was made of "
                f"(data.{split.name}.images=FOLDER), or audit the text alone with --no-images"
            )
        there.append(split)
    return there


def _audit_images(
    splits: list[AuditedSplit], options: ExperimentOptions, log: FindingLog, processes: int
) -> ImagesByName:
    image = options.data.image
    names = ((str(split.files.images), item.image) for split in splits for item in split.items)
    images = read_images(names, image, processes)
    for split in splits:
        log.extend(image_findings(split, images, image))
    return images


def overlap_findings(
    earlier: AuditedSplit, later: AuditedSplit, images: ImagesByName, *, on_same_item: Severity, reads_text: bool
) -> Iterator[Finding]:
    """Yield the items of one split's pairs that those of another have as well.

    As in training, an item is recognised by its id, and under another id by equal content and the same image file.
    An item that is not the same may have the same text, or the same image under another name.

    Args:
        earlier: a split.
        later: the split whose lines are named.
        images: by folder and name; empty where none were read.
        on_same_item: severity of one and the same item in both.
        reads_text: whether the model reads text.
    """
    if not (earlier.pairs and later.pairs):
        return  # which items are whose is not known
    theirs = [item for item in earlier.items if item.is_paired]
    ids = {item.item_id for item in theirs}
    folders = [split.files.images.resolve() if split.files.images else None for split in (earlier, later)]
    same_folder = folders[0] == folders[1]
    contents = {item.content: item.item_id for item in theirs} if same_folder else {}
    texts: dict[bytes | None, str] = {item.text: item.item_id for item in theirs if item.text} if reads_text else {}
    pictures: dict[bytes | None, str] = {
        image: item.item_id for item in theirs if (image := _image_digest(earlier, item, images))
    }

    def finding(kind: str, severity: Severity, item: ItemDigest, twin: str, relation: str) -> Finding:
        message = f"item {quoted(item.item_id)} {relation} of {earlier.name}"
        return Finding(kind, severity, later.name, later.files.items, item.line, message, (item.item_id, twin))

    for item in later.items:
        if not item.is_paired:
            continue
        if item.item_id in ids:
            yield finding("overlap-item", on_same_item, item, item.item_id, "is an item")
            continue
        if twin := contents.get(item.content):
            yield finding("overlap-listing", on_same_item, item, twin, f"is the same listing as {quoted(twin)}")
            continue
        if twin := texts.get(item.text):
            yield finding("overlap-text", Severity.WARNING, item, twin, f"has the text of {quoted(twin)}")
        if twin := pictures.get(_image_digest(later, item, images)):
            yield finding("overlap-image", Severity.WARNING, item, twin, f"has the image of {quoted(twin)}")


def _image_digest(split: AuditedSplit, item: ItemDigest, images: ImagesByName) -> bytes | None:
    facts = images.get((str(split.files.images), item.image))
    return facts.digest or None if facts and not facts.fault else None
