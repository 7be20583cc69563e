"""Extract zip archives, whole or in parts, each into its own folder."""

import io
import shutil
import zipfile
import zlib
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from options.errors import UserError
from tools.preparation.archive_members import ExtractionLimits, Member, checked_members
from tools.preparation.archive_parts import Archive, JoinedParts

_CHUNK_BYTES = 1 << 20
_TEMPORARY_NAME = ".extracting"


class ExtractionCounts(NamedTuple):
    """How many files of an archive were extracted now, and how many stood already."""

    extracted: int
    kept: int


def extract_archive(archive: Archive, output: Path, limits: ExtractionLimits) -> ExtractionCounts:
    """Extract an archive into output/<name of the archive>.

    A file takes its name when it is complete and its checksum is right; a file that stands with the right
    size is kept, so an interrupted extraction goes on where it ended.

    Raises:
        UserError: the archive is damaged, unsafe (see checked_members), or there is no room.
    """
    name = str(archive.parts[0])
    target = output / archive.name
    try:
        with JoinedParts(archive.parts) as parts, zipfile.ZipFile(io.BufferedReader(parts, _CHUNK_BYTES)) as opened:
            if archive.spanned:
                _correct_offsets(opened, parts.starts)
            members = checked_members(opened, name, parts.starts[-1], limits)
            return _extract(opened, members, target, archive.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UserError(f"{name}: is damaged or incomplete ({error}); download it again") from error
    except OSError as error:
        raise UserError(f"{error.filename or name}: {error.strerror or error}") from error


def _extract(opened: zipfile.ZipFile, members: list[Member], target: Path, name: str) -> ExtractionCounts:
    waiting = [member for member in members if not _stands(member, target)]
    target.mkdir(parents=True, exist_ok=True)
    needed, free = sum(member.info.file_size for member in waiting), shutil.disk_usage(target).free
    if needed > free:
        raise UserError(f"{target}: {needed:,} bytes are needed and {free:,} are free; make room")
    root = target.resolve()
    temporary = target / _TEMPORARY_NAME
    with tqdm(total=needed, desc=name, unit="B", unit_scale=True) as bar:
        for member in waiting:
            path = target / member.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.parent.resolve().is_relative_to(root):
                raise UserError(f"{path}: a link in the target folder leads out of it; remove the link")
            with opened.open(member.info) as packed, temporary.open("wb") as file:
                while chunk := packed.read(_CHUNK_BYTES):
                    file.write(chunk)
                    bar.update(len(chunk))
            temporary.replace(path)
    return ExtractionCounts(len(waiting), len(members) - len(waiting))


def _stands(member: Member, target: Path) -> bool:
    path = target / member.path
    return path.is_file() and not path.is_symlink() and path.stat().st_size == member.info.file_size


def _correct_offsets(opened: zipfile.ZipFile, starts: list[int]) -> None:
    """Make offsets count from the start of the joined file.

    A spanned archive counts them from the start of each part; zipfile took all for offsets of the part
    that its directory begins in and added where that begins.
    """
    directory_part = max(part for part, start in enumerate(starts[:-1]) if start <= opened.start_dir)
    for info in opened.infolist():
        info.header_offset += starts[info.volume] - starts[directory_part]
    # Newer versions of zipfile refuse a member that reaches beyond where the next one begins, by offsets taken then.
    end = opened.start_dir
    for info in sorted(opened.infolist(), key=attrgetter("header_offset"), reverse=True):
        if hasattr(info, "_end_offset"):
            info._end_offset = end
        end = info.header_offset
