"""What is wrong with the images of a split, by item."""

from collections.abc import Iterator

from data.options import ImageOptions
from options.printable import quoted
from tools.preparation.audit.audited_split import AuditedSplit
from tools.preparation.audit.finding import Finding, Severity
from tools.preparation.audit.image_checks import image_remarks
from tools.preparation.audit.image_reading import ImagesByName


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
