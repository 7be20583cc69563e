"""Where the pictures of items come from: a folder of image files, a pack that holds them in one file, or a caller."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data.image_decoding import stretched
from data.image_pack import PackReader
from data.item_image import (
    MissingImageError,
    decode_image,
    file_content,
    find_image,
    naming,
    read_image,
    resized_name,
    unreadable,
)
from data.options import AS_STORED, ImageOptions, PictureRules
from data.pack_index import Entry
from options.errors import UserError

Picture = Path | str | bytes | Image.Image | NDArray[np.uint8]
"""A path, the bytes of an image file, an opened image, or pixels (size, size, 3), red green blue."""


class ImageSource(Protocol):
    """The images of a catalogue, by the names that its items state."""

    @property
    def path(self) -> Path:
        """The folder or file that the options name."""

    def content(self, name: str) -> bytes:
        """Return what is stored of an image; raises BadImageError."""

    def read(self, name: str, size: int) -> NDArray[np.uint8]:
        """Return the picture stretched to (size, size, 3), as read_image does by the rules of the source.

        Raises BadImageError, which names the folder or file and the image, for one that is missing or unreadable.
        """

    def newest(self, names: Iterable[str]) -> int:
        """Return when one of these images was last changed, in nanoseconds; 0 for none."""


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """A folder with a file for each image."""

    path: Path
    follow_links: bool = False
    rules: PictureRules = AS_STORED

    def file(self, name: str) -> Path:
        """Return the image's file; raises BadImageError for a link out of the folder."""
        return find_image(self.path, name, self.follow_links)

    def content(self, name: str) -> bytes:
        """Return the bytes of the image's file; raises BadImageError."""
        file = self.file(name)
        with naming(file):
            return file_content(file)

    def read(self, name: str, size: int) -> NDArray[np.uint8]:
        """Do as ImageSource says."""
        return read_image(self.file(name), size, self.rules)

    def newest(self, names: Iterable[str]) -> int:
        """Do as ImageSource says."""
        files = (find_image(self.path, name, follow_links=True) for name in names)
        return max((file.stat().st_ctime_ns for file in files if file.exists()), default=0)


@dataclass(frozen=True, slots=True)
class ImagePack:
    """A pack, in which an image is found as in the folder that it was made of."""

    path: Path
    pack: PackReader
    rules: PictureRules = AS_STORED
    """Of image files; pixels were read by those of the header."""

    def file(self, name: str) -> Path:
        """Return the path that messages give the image, `<pack>/<name in the pack>`."""
        return self._found(name)[0]

    def content(self, name: str) -> bytes:
        """Return what the pack holds of an image, its file or its pixels; raises BadImageError."""
        return self._content(*self._found(name))

    def read(self, name: str, size: int) -> NDArray[np.uint8]:
        """Do as ImageSource says; pixels of another size are resampled bicubically."""
        place, entry = self._found(name)
        content = self._content(place, entry)
        if self.pack.header.stored == "pixels":
            return self._stretched(content, size)
        with naming(place):
            return decode_image(content, size, self.rules)

    def newest(self, names: Iterable[str]) -> int:
        """Do as ImageSource says; a pack changes as a whole."""
        return self.pack.changed_at() if any(True for _ in names) else 0

    def _stretched(self, content: bytes, size: int) -> NDArray[np.uint8]:
        side = self.pack.header.size
        pixels = np.frombuffer(content, np.uint8).reshape(side, side, 3)
        if side == size:
            return pixels
        return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))

    def _content(self, place: Path, entry: Entry | None) -> bytes:
        if entry is None:
            reason = "it is not in the pack"
            raise MissingImageError(str(unreadable(place, reason)), reason)
        with naming(place):
            content = self.pack.read(entry)
        if content is None:
            raise unreadable(place, "its bytes in the pack are damaged")
        if entry.is_fault:
            raise unreadable(place, content.decode("utf-8", "replace"))
        return content

    def _found(self, name: str) -> tuple[Path, Entry | None]:
        for candidate in (name, resized_name(name)):
            if (entry := self.pack.find(candidate)) is not None:
                return self.path / candidate, entry
        return self.path / name, None


@dataclass(frozen=True, slots=True)
class GivenImages:
    """Pictures by the names that items state."""

    pictures: Mapping[str, Picture]
    rules: PictureRules = AS_STORED

    @property
    def path(self) -> Path:
        """No place on the disk."""
        return Path()

    def read(self, name: str, size: int) -> NDArray[np.uint8]:
        """Do as ImageSource says."""
        picture = self._picture(name)
        if isinstance(picture, str | Path):
            return read_image(Path(picture), size, self.rules)
        if isinstance(picture, np.ndarray):
            assert picture.shape == (size, size, 3), "pixels are given in the size that they are read in"
            return picture
        with naming(Path(name)):
            if isinstance(picture, bytes):
                return decode_image(picture, size, self.rules)
            return np.asarray(stretched(picture, size, self.rules, draft=False))

    def content(self, name: str) -> bytes:
        """Return what identifies a picture: the bytes of its file, or of its pixels; raises BadImageError."""
        picture = self._picture(name)
        if isinstance(picture, bytes):
            return picture
        if isinstance(picture, str | Path):
            with naming(Path(picture)):
                return Path(picture).read_bytes()
        return picture.tobytes()

    def newest(self, names: Iterable[str]) -> int:
        """Return that nothing has changed."""
        return 0

    def _picture(self, name: str) -> Picture:
        picture = self.pictures.get(name)
        if picture is None:
            raise MissingImageError(f"{name}: no picture")
        return picture


def open_images(path: Path, options: ImageOptions) -> ImageFolder | ImagePack:
    """Return the images of a folder or of a pack.

    Raises UserError for a path that is neither, and for a pack that is damaged or holds pixels of another size than
    data.image.size or read otherwise than data.image.upright and color_profile say.
    """
    images = replace(open_images_of_any_size(path, options.follow_links), rules=options.rules)
    header = images.pack.header if isinstance(images, ImagePack) else None
    if header is None or header.stored == "files":
        return images
    made, wanted = ({"size": size, **asdict(rules)} for size, rules in (
        (header.size, header.rules), (options.size, options.rules)
    ))  # fmt: skip
    for name, value in wanted.items():
        if made[name] != value:
            has, wants = str(made[name]).lower(), str(value).lower()
            argument = f"--{'' if value else 'no-'}upright" if name == "upright" else f"--{name} {wants}"
            raise UserError(
                f"{path}: holds pixels of {name} {has}, but data.image.{name} is {wants}; set data.image.{name}={has}, "
                f"or pack the images again with --as files or {argument.replace('_', '-')}"
            )
    return images


def open_images_of_any_size(path: Path, follow_links: bool = False) -> ImageFolder | ImagePack:
    """Do as open_images for a use that no data.image.size binds."""
    if path.is_dir():
        return ImageFolder(path, follow_links)
    if not path.exists():
        what, advice = ("pack", "; bash run.sh data pack makes it") if path.suffix == ".pack" else ("folder", "")
        raise UserError(f"{path}: the {what} of images does not exist{advice}")
    if not path.is_file():
        raise UserError(f"{path}: is neither a folder of images nor a pack of them")
    return ImagePack(path, PackReader(path))
