"""What two splits have in common, so that figures on one of them look better than they are."""

from collections.abc import Iterator

from options.printable import quoted
from tools.preparation.audit.audited_split import AuditedSplit
from tools.preparation.audit.finding import Finding, Severity
from tools.preparation.audit.image_reading import ImagesByName
from tools.preparation.audit.item_lines import ItemDigest


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
    same_folder = earlier.files.images.resolve() == later.files.images.resolve()
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
