"""All splits of an option file, looked at from end to end."""

from dataclasses import dataclass
from itertools import combinations

from data.image_store import ImagePack, open_images
from data.tokenizer import Tokenizer
from engine.experiment import ExperimentOptions
from options.errors import UserError
from options.printable import quoted
from tools.preparation.audit.audited_split import UNTRIMMED, AuditedSplit, audit_items
from tools.preparation.audit.finding import FileFindings, FindingLog, Severity
from tools.preparation.audit.images import ImagesByName, read_images, report_images
from tools.preparation.audit.items import ItemDigest
from tools.preparation.audit.pairs import audit_pairs, report_shared

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Audit:
    """What was looked at; what was found is in the log."""

    splits: list[AuditedSplit]
    images: ImagesByName
    """Empty where none were read."""


def audit_data(options: ExperimentOptions, log: FindingLog, *, images: bool, processes: int) -> Audit:
    """Look at every record of the splits that the options name and, if asked and read, every image; tell the log.

    Raises:
        UserError: the options name no split, the tokenizer cannot be found, or images to be read are a pack of pixels.
    """
    files = [(name, paths) for name in SPLITS if (paths := options.data.split(name)) is not None]
    if not files:
        raise UserError("data: names none of train, val and test; there is nothing to audit")
    tokenizer = Tokenizer(options.data.text.tokenizer, UNTRIMMED) if options.reads.text else None
    splits = [AuditedSplit(name, paths, audit_pairs(FileFindings(log, name, paths.pairs))) for name, paths in files]
    pairs = {split.name: split.pairs for split in splits}
    if "val" in pairs and "test" in pairs:
        report_shared(pairs["val"], pairs["test"], FileFindings(log, "test", splits[-1].files.pairs))
    for split in splits:
        found = FileFindings(log, split.name, split.files.items)
        audit_items(split, _named_elsewhere(split, splits), found, options, tokenizer)
    with_images = [split for split in splits if options.reads.image and _has_images(split, options, log, read=images)]
    names = [(str(split.files.images), item.image) for split in with_images for item in split.items]
    looked_at = read_images(names, options.data.image, processes) if images else {}
    for split in with_images if images else ():
        report_images(split, looked_at, options.data.image, FileFindings(log, split.name, split.files.items))
    for earlier, later in combinations(splits, 2):
        report_overlap(earlier, later, looked_at, options, log)
    return Audit(splits, looked_at)


def _named_elsewhere(split: AuditedSplit, splits: list[AuditedSplit]) -> set[str]:
    """Return the ids that pairs of other splits with the same item file name."""
    here = split.files.items.resolve()
    others = (other for other in splits if other is not split and other.files.items.resolve() == here)
    return {item_id for other in others for item_id in other.pairs.numbers}


def _has_images(split: AuditedSplit, options: ExperimentOptions, log: FindingLog, *, read: bool) -> bool:
    """Tell whether a split's folder or pack of images can be read, and report it otherwise."""
    folder = split.files.images
    assert folder is not None, "the options were checked"
    try:
        images = open_images(folder, options.data.image)
    except UserError as error:
        kind = "file-unreadable" if folder.exists() else "file-missing"
        FileFindings(log, split.name, folder).add(kind, None, str(error).removeprefix(f"{folder}: "))
        return False
    if read and isinstance(images, ImagePack) and images.pack.header.stored == "pixels":
        raise UserError(
            f"{images.path}: holds pixels, no image files to audit; name the folder that it was made of "
            f"(data.{split.name}.images=FOLDER), or audit the text alone with --no-images"
        )
    return True


def report_overlap(
    earlier: AuditedSplit, later: AuditedSplit, images: ImagesByName, options: ExperimentOptions, log: FindingLog
) -> None:
    """Report the items of the later split's pairs that those of the earlier one have as well.

    As in training, an item is recognised by its id, and under another id by equal content and the same image file.
    An item that is not the same may have the same text, or the same image under another name.
    """
    if not (earlier.pairs and later.pairs):
        return  # which items are whose is not known
    ends_training = (earlier.name, later.name) == ("train", "val") and options.data.on_split_overlap == "error"
    same = Severity.FAULT if ends_training else Severity.WARNING
    theirs = [item for item in earlier.items if item.is_paired]
    ids = {item.item_id for item in theirs}
    folders = {split.files.images.resolve() if split.files.images else None for split in (earlier, later)}
    contents = {item.content: item.item_id for item in theirs} if len(folders) == 1 else {}
    texts = {item.text: item.item_id for item in theirs if item.text} if options.reads.text else {}
    pictures = {image: item.item_id for item in theirs if (image := _image_digest(earlier, item, images))}
    found = FileFindings(log, later.name, later.files.items)

    def add(kind: str, item: ItemDigest, twin: str, relation: str, severity: Severity = Severity.WARNING) -> None:
        message = f"item {quoted(item.item_id)} {relation} of {earlier.name}"
        found.add(kind, item.line, message, item.item_id, twin, severity=severity)

    for item in (item for item in later.items if item.is_paired):
        if item.item_id in ids:
            add("overlap-item", item, item.item_id, "is an item", same)
        elif twin := contents.get(item.content):
            add("overlap-listing", item, twin, f"is the same listing as {quoted(twin)}", same)
        else:
            if item.text is not None and (twin := texts.get(item.text)):
                add("overlap-text", item, twin, f"has the text of {quoted(twin)}")
            if (image := _image_digest(later, item, images)) and (twin := pictures.get(image)):
                add("overlap-image", item, twin, f"has the image of {quoted(twin)}")


def _image_digest(split: AuditedSplit, item: ItemDigest, images: ImagesByName) -> bytes | None:
    facts = images.get((str(split.files.images), item.image))
    return facts.digest or None if facts and not facts.fault else None
