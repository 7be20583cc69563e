"""Extract zip archives, whole or in parts, each into its own folder, after a check of all names, kinds and sizes."""

import io
import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tqdm import tqdm

from data.joined_files import JoinedFiles
from options.errors import UserError
from tools.preparation.archive_parts import Archive

_CHUNK_BYTES = 1 << 20
_TEMPORARY_NAME = ".extracting"
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1

Members = dict[PurePosixPath, zipfile.ZipInfo]
"""The files of an archive by where they go, relative to the target folder."""


@dataclass(frozen=True, slots=True)
class ExtractionLimits:
    """What an honest archive stays below."""

    max_files: int = 2_000_000
    max_bytes: int = 500 * 2**30
    """Size of all files together when extracted."""
    max_ratio: float = 100.0
    """Extracted size over compressed size of the whole archive; pictures stay near 1, text near 10."""


class ExtractionCounts(NamedTuple):
    """How many files of an archive were extracted now, and how many stood already."""

    extracted: int
    kept: int


def extract_archive(archive: Archive, output: Path, limits: ExtractionLimits) -> ExtractionCounts:
    """Extract an archive into output/<name of the archive>.

    A file takes its name when it is complete and its checksum is right; a file that stands with the right
    size is kept, so an interrupted extraction goes on where it ended.

    Raises:
        UserError: the archive is damaged, there is no room, or the archive is unsafe: a member would leave the folder,
            is a link, device or encrypted, two have one name, or the limits are exceeded. Nothing is extracted from
            an unsafe archive.
    """
    name = str(archive.parts[0])
    try:
        with JoinedFiles(archive.parts) as parts, zipfile.ZipFile(io.BufferedReader(parts, _CHUNK_BYTES)) as opened:
            if archive.spanned:
                _correct_offsets(opened, parts.starts)
            members = _checked_members(opened, name)
            _check_limits(members, name, parts.starts[-1], limits)
            return _extract(opened, members, output / archive.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UserError(f"{name}: is damaged or incomplete ({error}); download it again") from error
    except OSError as error:
        raise UserError(f"{error.filename or name}: {error.strerror or error}") from error


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


def _checked_members(opened: zipfile.ZipFile, name: str) -> Members:
    members: Members = {}
    for info in opened.infolist():
        path = _member_path(info, name)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.flag_bits & _ENCRYPTED_FLAG:
            raise UserError(f"{name}: {path} is encrypted; extract it with its password by hand")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UserError(f"{name}: {path} is a link or device, which is refused; is the archive genuine?")
        if info.is_dir() or kind == stat.S_IFDIR:
            continue
        if path in members:
            raise UserError(f"{name}: holds {path} twice, which is refused; is the archive genuine?")
        members[path] = info
    for path in members:
        if any(parent in members for parent in path.parents):
            raise UserError(f"{name}: {path} lies below another file, which is refused; is the archive genuine?")
    return members


def _member_path(info: zipfile.ZipInfo, archive: str) -> PurePosixPath:
    """Return where a member goes; raises UserError where its name is absolute, has a drive or '..', or is empty."""
    name = _decoded_name(info).replace("\\", "/")
    path = PurePosixPath(name)
    first = path.parts[0] if path.parts else ""
    if not first or path.is_absolute() or ".." in path.parts or first[1:2] == ":" or "\0" in name:
        raise UserError(f"{archive}: member {name!r} leaves the target folder; is the archive genuine?")
    return path


def _decoded_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; without the UTF-8 flag it is tried as UTF-8, then as the Chinese GB 18030."""
    if info.flag_bits & _UTF8_FLAG:
        return info.filename
    raw = info.orig_filename.encode("cp437", "replace")  # undoes what zipfile did
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _check_limits(members: Members, name: str, size: int, limits: ExtractionLimits) -> None:
    total = sum(info.file_size for info in members.values())
    packed = sum(info.compress_size for info in members.values())
    ratio = total / max(size, 1)
    faults = {
        f"{len(members):,} files, more than --max-files {limits.max_files:,}": len(members) > limits.max_files,
        f"{total:,} bytes when extracted, more than --max-bytes {limits.max_bytes:,}": total > limits.max_bytes,
        f"{ratio:.0f} times its size when extracted, more than --max-ratio {limits.max_ratio:g}": (
            ratio > limits.max_ratio
        ),
        "members that overlap": packed > size,
    }
    for fault, found in faults.items():
        if found:
            raise UserError(f"{name}: has {fault}; it may be a bomb, so nothing was extracted")


def _extract(opened: zipfile.ZipFile, members: Members, target: Path) -> ExtractionCounts:
    waiting = {path: info for path, info in members.items() if not _stands(target / path, info.file_size)}
    target.mkdir(parents=True, exist_ok=True)
    needed, free = sum(info.file_size for info in waiting.values()), shutil.disk_usage(target).free
    if needed > free:
        raise UserError(f"{target}: {needed:,} bytes are needed and {free:,} are free; make room")
    root, temporary = target.resolve(), target / _TEMPORARY_NAME
    with tqdm(total=needed, desc=target.name, unit="B", unit_scale=True) as bar:
        for path, info in waiting.items():
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.parent.resolve().is_relative_to(root):
                raise UserError(f"{file}: a link in the target folder leads out of it; remove the link")
            with opened.open(info) as packed, temporary.open("wb") as stream:
                shutil.copyfileobj(packed, stream, _CHUNK_BYTES)
            bar.update(info.file_size)
            temporary.replace(file)
    return ExtractionCounts(len(waiting), len(members) - len(waiting))


def _stands(file: Path, size: int) -> bool:
    return file.is_file() and not file.is_symlink() and file.stat().st_size == size
