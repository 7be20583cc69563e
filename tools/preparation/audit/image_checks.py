"""What can be wrong with the images of a split's items."""

from collections.abc import Iterator
from pathlib import Path

from options.printable import quoted
from tools.preparation.audit.finding import Severity
from tools.preparation.audit.image_file import ImageFacts
from tools.preparation.audit.item_checks import Remark

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
