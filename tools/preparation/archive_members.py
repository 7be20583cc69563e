"""Check the directory of a zip archive before anything is written: names, kinds and sizes."""

import stat
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath

from options.errors import UserError

_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1


@dataclass(frozen=True, slots=True)
class ExtractionLimits:
    """What an honest archive stays below."""

    max_files: int = 2_000_000
    max_bytes: int = 500 * 2**30
    """Size of all files together when extracted."""
    max_ratio: float = 100.0
    """Extracted size over compressed size of the whole archive; pictures stay near 1, text near 10."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive and where it goes, relative to the target folder."""

    info: zipfile.ZipInfo
    path: PurePosixPath


def checked_members(archive: zipfile.ZipFile, name: str, size: int, limits: ExtractionLimits) -> list[Member]:
    """Return the files of an archive, all of which stay inside the target folder.

    Args:
        name: of the archive, for messages.
        size: of the archive in bytes.

    Raises:
        UserError: a member would leave the folder, is a link, device or encrypted, two have one name, or
            the archive exceeds the limits. Nothing is extracted from such an archive.
    """
    members: dict[PurePosixPath, Member] = {}
    for info in archive.infolist():
        member = Member(info, member_path(info, name))
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.flag_bits & _ENCRYPTED_FLAG:
            raise UserError(f"{name}: {member.path} is encrypted; extract it with its password by hand")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UserError(f"{name}: {member.path} is a link or device, which is refused; is the archive genuine?")
        if info.is_dir() or kind == stat.S_IFDIR:
            continue
        if member.path in members:
            raise UserError(f"{name}: holds {member.path} twice, which is refused; is the archive genuine?")
        members[member.path] = member
    for path in members:
        if any(parent in members for parent in path.parents):
            raise UserError(f"{name}: {path} lies below another file, which is refused; is the archive genuine?")
    infos = [member.info for member in members.values()]
    _check_limits(infos, name, size, limits)
    return list(members.values())


def member_path(info: zipfile.ZipInfo, archive: str) -> PurePosixPath:
    """Return where a member goes, relative to the target folder.

    Raises:
        UserError: the name is absolute, has a drive or '..', or is empty.
    """
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


def _check_limits(infos: list[zipfile.ZipInfo], name: str, size: int, limits: ExtractionLimits) -> None:
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    faults = {
        f"{len(infos):,} files, more than --max-files {limits.max_files:,}": len(infos) > limits.max_files,
        f"{total:,} bytes when extracted, more than --max-bytes {limits.max_bytes:,}": total > limits.max_bytes,
        f"{total / max(size, 1):.0f} times its size when extracted, more than --max-ratio {limits.max_ratio:g}": (
            total > limits.max_ratio * size
        ),
        "members that overlap": packed > size,
    }
    for fault, found in faults.items():
        if found:
            raise UserError(f"{name}: has {fault}; it may be a bomb, so nothing was extracted")
