"""From an image file of any usual format to a square picture in red, green and blue."""

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms
from PIL.GifImagePlugin import GifImageFile
from PIL.TiffImagePlugin import TiffImageFile

from data.options import AS_STORED, PictureRules

BAND_PIXELS = 2**22
"""Pixels that are converted at once, so that no second large picture is needed."""
REACH_OF_BICUBIC = 1.6
"""Sides of the square that a reduced JPEG has at most to be stretched bicubically where quickness counts."""

DECODER_ERRORS = (
    ValueError, TypeError, SyntaxError, EOFError, AttributeError, LookupError, ArithmeticError, RuntimeError,
    MemoryError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow's decoders answer damaged files with, besides OSError."""

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture into the position that its EXIF orientation says."""
_UNDOING = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""What undoes that, where it is not its own inverse."""
_GREY_MODES = ("1", "L", "LA", "La", "I", "F")
_MODE_OF_PROFILE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def stretched(
    image: Image.Image, size: int, rules: PictureRules = AS_STORED, *, quick: bool = False, draft: bool = True
) -> Image.Image:
    """Decode an opened picture to RGB and stretch the whole of it to size x size.

    A picture of that size stays as decoded, others are resampled bicubically. A JPEG of at least twice the size is
    first decoded at 1/2, 1/4 or 1/8, which is much faster and differs by a few grey levels. Of a damaged file the
    missing part is black where ImageFile.LOAD_TRUNCATED_IMAGES is set.

    Args:
        image: of any mode; transparency is laid over white.
        size: height and width of the result.
        rules: what of its metadata is obeyed.
        quick: reduce much larger pictures by whole factors first, and take a filter of half the width for a JPEG that
            is still much larger when decoded, which makes a small difference there.
        draft: decode a large JPEG reduced, as said above, which leaves the opened picture reduced.

    Raises:
        OSError: the file is damaged; some damage, a colour profile's too, raises one of DECODER_ERRORS.
    """
    square = (size, size)
    reduced = image.draft("RGB", square) if draft else None
    # The extent of a picture of odd width ends within the last column of the reduced one.
    box = reduced[1] if reduced else None
    transposition = _TRANSPOSITIONS.get(orientation(image)) if rules.upright else None
    picture = to_rgb(image, rules)
    if quick:
        is_far_larger = reduced is not None and picture.width * picture.height > (REACH_OF_BICUBIC * size) ** 2
        resampling = Image.Resampling.HAMMING if is_far_larger else Image.Resampling.BICUBIC
        picture = picture.resize(square, resampling, box, reducing_gap=3.0)
    elif picture.size != square:
        picture = picture.resize(square, Image.Resampling.BICUBIC, box)
    return picture if transposition is None else picture.transpose(transposition)


def to_rgb(image: Image.Image, rules: PictureRules = AS_STORED) -> Image.Image:
    """Return the (first) picture as red, green and blue, in the position that is stored, transparency over white.

    Its colours are those of its profile where the rules say so; raises ValueError for a profile that cannot be used.
    """
    image = _loaded(image)
    in_srgb = _conversion(image) if rules.color_profile == "srgb" else None
    # What the first frame of a GIF leaves out of the canvas has colour 0 by the decoder, and is transparent.
    frame = image.dispose_extent if isinstance(image, GifImageFile) and image.tell() == 0 else None
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        image = _deep_grey(image)
    if image.mode == "RGB" and not image.has_transparency_data and in_srgb is None:
        return image
    picture = Image.new("RGB", image.size)
    for box in _bands(image):
        picture.paste(_opaque(image.crop(box), in_srgb), box)
    if frame is None or frame == (0, 0, *picture.size):
        return picture
    canvas = Image.new("RGB", picture.size, "white")
    canvas.paste(picture.crop(frame), frame)
    return canvas


def _loaded(image: Image.Image) -> Image.Image:
    """Return the picture as it is stored: Pillow turns a TIFF when it loads it."""
    if not (isinstance(image, TiffImageFile) and image.tile):
        image.load()
        return image
    mark = image.getexif().get(ExifTags.Base.Orientation, 1)
    image.load()
    undoing = {**_TRANSPOSITIONS, **_UNDOING}.get(mark)
    return image if undoing is None else image.transpose(undoing)


def _opaque(band: Image.Image, in_srgb: Callable[[Image.Image], Image.Image] | None) -> Image.Image:
    if not band.has_transparency_data:
        return in_srgb(band) if in_srgb is not None else band.convert("RGB")
    layer = band.convert("RGBA")
    if in_srgb is not None:
        alpha = layer.getchannel("A")
        layer = in_srgb(layer)
        layer.putalpha(alpha)
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


def _conversion(image: Image.Image) -> Callable[[Image.Image], Image.Image] | None:
    """Return what brings a part of a picture from its embedded profile to sRGB; None where there is nothing to do."""
    if "icc_profile" not in image.info or image.mode == "LAB":
        return None
    mode, transform = _to_srgb(image.info["icc_profile"])
    kind = "CMYK" if image.mode == "CMYK" else "L" if image.mode.split(";")[0] in _GREY_MODES else "RGB"
    if mode not in {kind, "RGB" if kind == "L" else kind}:
        raise ValueError(f"its colour profile is one of {mode}, but the picture is {image.mode}")
    return partial(_applied, mode, transform)


def _applied(mode: str, transform: ImageCms.ImageCmsTransform, band: Image.Image) -> Image.Image:
    converted = ImageCms.applyTransform(band.convert(mode), transform)
    assert converted is not None
    return converted


@lru_cache(maxsize=8)
def _to_srgb(profile: bytes | None) -> tuple[str, ImageCms.ImageCmsTransform]:
    """Return the mode that a profile is for and what brings that to sRGB; raises ValueError for a broken one."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile or b""))  # None where Pillow cannot put its parts together
        mode = _MODE_OF_PROFILE[source.profile.xcolor_space.strip()]
        return mode, ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (OSError, TypeError, LookupError, ImageCms.PyCMSError):
        raise ValueError("its colour profile is damaged") from None


def _deep_grey(image: Image.Image) -> Image.Image:
    """Scale grey values of more than 8 bits to 8: 16-bit ones by 1/257, others from their least to their greatest."""
    extremes = [(values.min(), values.max()) for values in map(np.asarray, map(image.crop, _bands(image)))]
    low, high = np.asarray(extremes, np.float64).T
    if not np.isfinite([low, high]).all():
        raise ValueError("grey values that are no numbers")
    least, greatest = low.min(), high.max()
    if image.mode != "F" and least >= 0 and greatest <= 65535:
        least, greatest = 0, 65535
    grey = Image.new("L", image.size)
    for box in _bands(image):
        values = np.asarray(image.crop(box), np.float64)
        scaled = np.rint((values - least) * (255 / max(greatest - least, 1e-12))).astype(np.uint8)
        grey.paste(Image.fromarray(scaled), box)
    return grey


def profile_name(image: Image.Image) -> str:
    """Return the name of the embedded colour profile; empty where there is none that can be read."""
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))).strip()
    except (OSError, ImageCms.PyCMSError, *DECODER_ERRORS):
        return ""


def _bands(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Yield boxes that cover the picture from top to bottom."""
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an opened picture, 1 to 8; 1, which is upright, where it states none."""
    try:
        if isinstance(image, TiffImageFile):
            mark = image.tag_v2.get(ExifTags.Base.Orientation)
        else:
            if image.format == "PNG":
                image.load()  # its metadata may stand behind the pixels
            exif = Image.Exif()
            exif.load(image.info.get("exif") or b"")
            mark = exif.get(ExifTags.Base.Orientation)
        return mark if mark in _TRANSPOSITIONS else 1
    except (OSError, *DECODER_ERRORS):
        return 1  # corrupt metadata is no fault of the picture
