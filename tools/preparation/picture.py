"""Make one square JPEG out of the source files of one stem: the work of one worker process."""

import filecmp
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple

from PIL import Image, ImageFile, UnidentifiedImageError

from data.image_bytes import DamagedImageError, image_format, on_transparent_ground
from data.image_decoding import DECODER_ERRORS, stretched
from data.options import PictureRules
from tools.preparation.resize_report import FileNote

# Anything else ends the worker process, which is reported.
_DECODE_ERRORS = (OSError, *DECODER_ERRORS)


OTHER_CONTENT = "other content"
"""What begins the note on a file whose stem has another picture."""


class UnreadablePictureError(ValueError):
    """No picture can be decoded from a file; the message says why."""


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """How a picture file becomes a square picture."""

    size: int = 384
    """Height and width in pixels; the whole picture is stretched to this square."""
    max_pixels: int = 100_000_000
    """Pictures of more pixels are refused from their header, before they take memory."""
    upright: bool = False
    """Turn the picture as its EXIF orientation says. The published preprocessing did not."""
    quality: int = 75
    """Of the JPEG."""
    color_profile: Literal["keep", "srgb"] = "keep"
    """Pass an embedded colour profile over, as published, or convert the picture to sRGB by it."""


class StretchedPicture(NamedTuple):
    """A square RGB picture and, where its file was damaged, what is missing."""

    image: Image.Image
    repair: str | None


@dataclass(frozen=True, slots=True)
class ResizeTask:
    """The source files of one stem and where their picture goes."""

    stem: str
    names: tuple[str, ...]
    source: Path
    output: Path
    """Temporary name; the parent moves it to its final one."""
    settings: PictureSettings
    notes: tuple[FileNote, ...] = ()
    """On files of the stem that were tried before."""


@dataclass(frozen=True, slots=True)
class ResizeResult:
    """What became of a task."""

    written: bool
    notes: tuple[FileNote, ...]
    write_error: str | None = None
    """The output cannot be written (disk full, no permission): no fault of the source file."""


def resize_pictures(task: ResizeTask) -> ResizeResult:
    """Write the first undamaged file of the stem, or else the first that can be repaired."""
    refused: dict[str, str] = {}
    kept: tuple[str, StretchedPicture] | None = None
    for name in task.names:
        try:
            picture = stretch_picture((task.source / name).read_bytes(), task.settings)
        except OSError as error:
            refused[name] = f"cannot be read: {error.strerror}"
        except UnreadablePictureError as error:
            refused[name] = str(error)
        else:
            if kept is None or picture.repair is None:
                kept = name, picture
            if picture.repair is None:
                break
    notes = [*task.notes, *(FileNote(name, "refused", reason) for name, reason in refused.items())]
    if kept is None:
        return ResizeResult(False, tuple(notes))
    kept_name, picture = kept
    if picture.repair is not None:
        notes.append(FileNote(kept_name, "repaired", picture.repair))
    others = (name for name in task.names if name != kept_name and name not in refused)
    notes += [_duplicate(task.source, kept_name, name) for name in others]
    try:
        picture.image.save(task.output, "JPEG", quality=task.settings.quality)
    except OSError as error:
        return ResizeResult(False, tuple(notes), f"{task.output}: {error.strerror or error}")
    return ResizeResult(True, tuple(notes))


def _duplicate(source: Path, kept: str, other: str) -> FileNote:
    try:
        same = filecmp.cmp(source / kept, source / other, shallow=False)
    except OSError as error:
        return FileNote(other, "refused", f"cannot be read: {error.strerror}")
    return FileNote(other, "duplicate", f"{'same content' if same else OTHER_CONTENT} as the one kept: {kept}")


def stretch_picture(content: bytes, settings: PictureSettings) -> StretchedPicture:
    """Decode a picture file of any supported format and mode and stretch it to the square.

    Transparent parts become white, of an animation the first frame counts, deep grey values are scaled
    to 8 bits. Of a damaged file the part that can be decoded counts and the rest is black.

    Raises:
        UnreadablePictureError: nothing can be decoded, or the picture exceeds the pixel limit.
    """
    with warnings.catch_warnings(), _pillow_limit(settings.max_pixels):
        warnings.simplefilter("ignore")  # Pillow's warnings on odd metadata and large pictures
        try:
            return StretchedPicture(_stretch(_open(content, settings), settings), None)
        except UnreadablePictureError:
            raise
        except _DECODE_ERRORS as error:
            return _repair(content, settings, f"{error or type(error).__name__}")


@contextmanager
def _pillow_limit(max_pixels: int) -> Iterator[None]:
    """Let Pillow's own limit, at twice which it refuses pictures, not strike before a higher one that was asked for."""
    usual = Image.MAX_IMAGE_PIXELS
    if usual is not None:
        Image.MAX_IMAGE_PIXELS = max(usual, max_pixels)
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = usual


def _open(content: bytes, settings: PictureSettings) -> ImageFile.ImageFile:
    try:
        image = Image.open(BytesIO(on_transparent_ground(content)), formats=[image_format(content)])
    except DamagedImageError as error:
        raise UnreadablePictureError(str(error)) from None
    except UnidentifiedImageError:
        raise UnreadablePictureError("its header is damaged") from None
    except Image.DecompressionBombError:
        raise UnreadablePictureError(f"exceeds the limit of {settings.max_pixels} pixels") from None
    width, height = image.size
    if width * height > settings.max_pixels:
        raise UnreadablePictureError(f"{width}x{height} exceeds the limit of {settings.max_pixels} pixels")
    return image


def _repair(content: bytes, settings: PictureSettings, fault: str) -> StretchedPicture:
    """Decode as much as there is of a damaged file."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        image = _open(content, settings)
        image.load()
        # Rows that the decoder never reached are left zero.
        box = image.getbbox(alpha_only=False)
        if box is None:
            raise UnreadablePictureError(f"nothing can be decoded: {fault}")
        share = box[3] / image.height
        if image.format == "TIFF":  # loaded, it is turned, and does not say so any more
            image = _open(content, settings)
        return StretchedPicture(_stretch(image, settings), f"{fault}; {share:.0%} of the rows decoded")
    except UnreadablePictureError:
        raise
    except _DECODE_ERRORS:
        raise UnreadablePictureError(f"cannot be decoded: {fault}") from None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _stretch(image: ImageFile.ImageFile, settings: PictureSettings) -> Image.Image:
    rules = PictureRules(settings.upright, settings.color_profile)
    picture = stretched(image, settings.size, rules, quick=True)
    picture.info.clear()  # comments and profiles of the source are not the output's
    return picture
