"""Pictures that are read from the file of another name, where that may be another picture."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePath

from data.image_bytes import SUFFIXES
from data.image_store import ImageFolder, ImagePack, ImageSource
from data.item_image import BadImageError, resized_name
from options.printable import quoted

NUM_NAMED = 5
"""Files that a message names."""
PICTURE_SUFFIXES = frozenset({".ss2", ".heic", ".heif", ".jxl"}.union(*SUFFIXES.values()))
"""Of the files that bash run.sh data resize takes, in lower case, and of which it therefore may have made a JPEG."""


def stand_ins(names: Iterable[str], images: ImageSource) -> dict[str, list[str]]:
    """Return by file the names that are read from it, of which not all can be its own.

    `<stem>.jpg` is read for a name that is missing. It is no resized picture of a name whose suffix is none of a
    picture (`iphone-12.5`), and of several names (`7.png` and `7.webp`) it is that of one at most.
    """
    if not isinstance(images, ImageFolder | ImagePack):
        return {}
    by_file: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        by_file[resized_name(name)].append(name)
    found: dict[str, list[str]] = {}
    for file, readers in by_file.items():
        if len(readers) > 1 or (readers[0] != file and not has_picture_suffix(readers[0])):
            readers = [name for name in readers if _file_name(images, name) == file]
            if len(readers) > 1 or (readers and not has_picture_suffix(readers[0])):
                found[file] = readers
    return found


def stand_in_warnings(names: Iterable[str], images: ImageSource) -> list[str]:
    """Return one warning of all pictures that are read from files of other names, or none."""
    found = stand_ins(names, images)
    if not found:
        return []
    named = [f"{' and '.join(map(quoted, readers))} from {quoted(file)}" for file, readers in found.items()]
    more = f" and {len(named) - NUM_NAMED} more" if len(named) > NUM_NAMED else ""
    return [
        f"{images.path}: {len(named):,} files are read under names that may be of other pictures: "
        f"{', '.join(named[:NUM_NAMED])}{more}. Give each picture a stem of its own."
    ]


def has_picture_suffix(name: str) -> bool:
    """Tell whether a file of this name is taken for a picture."""
    return PurePath(name).suffix.lower() in PICTURE_SUFFIXES


def _file_name(images: ImageFolder | ImagePack, name: str) -> str | None:
    try:
        file: Path = images.file(name)
    except BadImageError:
        return None
    return file.name
