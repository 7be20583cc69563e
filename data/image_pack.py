"""A pack: one file of many images, written once and read by many processes.

It is a header, the images end to end, and the index. The header is written last, so a file without one is
not whole; it holds the length of the file and the checksum of the index, and ends with its own.
"""

import os
import struct
import weakref
import zlib
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from data.options import AS_STORED, PictureRules
from data.pack_index import Entry, PackIndex
from options.errors import UserError

Stored = Literal["files", "pixels"]
"""What an image is: a file as it was, whatever its format, or the (size, size, 3) uint8 of its picture."""

STORED: tuple[Stored, ...] = ("files", "pixels")
MAGIC = b"\x89IMGPACK\r\n\x1a\n\x01"
"""The last byte is the version; the line ends tell of a transfer as text."""
HEADER = struct.Struct("<13sB??IQQQII")


class PackError(UserError):
    """A pack that cannot be read at all."""


class Header(NamedTuple):
    """The beginning of a pack."""

    stored: Stored
    upright: bool
    to_srgb: bool
    """The PictureRules by which pixels were read; both false for image files."""
    size: int
    """Height and width of the pixels; 0 for image files."""
    num_images: int
    index_start: int
    """Byte at which the index begins, which goes to the end."""
    num_bytes: int
    """Of the whole file."""
    index_checksum: int
    """CRC-32."""

    @property
    def rules(self) -> PictureRules:
        """The rules by which pixels were read."""
        return PictureRules(self.upright, "srgb" if self.to_srgb else "keep")

    def to_bytes(self) -> bytes:
        """Return the header as it stands in the file, with its own checksum."""
        fields = (MAGIC, STORED.index(self.stored), *self[1:])
        return HEADER.pack(*fields, zlib.crc32(HEADER.pack(*fields, 0)[:-4]))


class PackWriter:
    """Writes a pack to an open file that is empty; what has no `finish` is not read."""

    def __init__(self, stream: BinaryIO, stored: Stored, size: int, rules: PictureRules = AS_STORED) -> None:
        self._stream, self._stored = stream, stored
        self._size, self._rules = (size, rules) if stored == "pixels" else (0, AS_STORED)
        self._entries: dict[bytes, Entry] = {}
        self._end = HEADER.size
        stream.write(bytes(HEADER.size))

    def add(self, name: str, content: bytes, *, is_fault: bool = False) -> None:
        """Add an image under a name that is new, or the reason, as UTF-8, for which there is no picture."""
        key = encoded_name(name)
        assert key not in self._entries
        self._entries[key] = Entry(self._end, len(content), zlib.crc32(content), is_fault)
        self._stream.write(content)
        self._end += len(content)

    def finish(self) -> None:
        """Write the index and, once all is on the disk, the header."""
        index = PackIndex.of(self._entries).to_bytes()
        end = self._end + len(index)
        read = self._rules.upright, self._rules.color_profile == "srgb", self._size
        header = Header(self._stored, *read, len(self._entries), self._end, end, zlib.crc32(index))
        self._stream.write(index)
        _to_disk(self._stream)
        self._stream.seek(0)
        self._stream.write(header.to_bytes())
        _to_disk(self._stream)


class PackReader:
    """Reads images of a pack by name; forked processes may share it, and in others it opens the file again.

    Raises PackError for a file that is no pack, damaged or cut off.
    """

    # Read with pread, not mapped: from the page cache it takes as long (0.02 against 0.01 ms for a JPEG of 40 kB,
    # of several that decoding takes), processes that share a descriptor share no place in the file with it, and
    # where the file is cut off or a disk fails under a mapping, the process dies of SIGBUS instead of saying so.

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self._descriptor)
            self.header = self._read_header()
            self._index = self._read_index()
        except OSError as error:
            raise PackError(f"{path}: the pack of images cannot be read: {error.strerror}") from error

    def __reduce__(self) -> tuple[type["PackReader"], tuple[Path]]:
        return PackReader, (self.path,)  # the number of a descriptor means nothing in a process that was not forked

    def __len__(self) -> int:
        return len(self._index)

    def find(self, name: str) -> Entry | None:
        """Return the entry of a name, None where there is none."""
        return self._index.find(encoded_name(name))

    def read(self, entry: Entry) -> bytes | None:
        """Return the bytes of an entry, None where they are not those that were written.

        Raises OSError where the disk fails, and PackError where the file has been cut off since it was opened.
        """
        content = self._pread(entry.length, entry.start)
        if len(content) < entry.length:
            raise PackError(f"{self.path}: the pack of images was cut off while it was in use")
        return content if zlib.crc32(content) == entry.checksum else None

    def changed_at(self) -> int:
        """Return when the file was last changed, in nanoseconds."""
        return os.fstat(self._descriptor).st_ctime_ns

    def _read_header(self) -> Header:
        content = self._pread(HEADER.size, 0)
        if not content.startswith(MAGIC):
            raise PackError(f"{self.path}: is no pack of images, or one whose writing was broken off; {REMEDY}")
        num_bytes = os.fstat(self._descriptor).st_size
        if len(content) < HEADER.size:
            raise PackError(f"{self.path}: the pack of images is cut off after {num_bytes:,} bytes; {REMEDY}")
        _, stored, *fields, checksum = HEADER.unpack(content)
        if zlib.crc32(content[:-4]) != checksum or stored >= len(STORED):
            raise PackError(f"{self.path}: the header of the pack of images is damaged; {REMEDY}")
        header = Header(STORED[stored], *fields)
        if num_bytes != header.num_bytes:
            what = "is cut off" if num_bytes < header.num_bytes else "has something behind it"
            raise PackError(
                f"{self.path}: the pack of images {what}: {num_bytes:,} bytes instead of {header.num_bytes:,}; {REMEDY}"
            )
        return header

    def _read_index(self) -> PackIndex:
        header = self.header
        content = self._pread(header.num_bytes - header.index_start, header.index_start)
        if zlib.crc32(content) != header.index_checksum:
            raise PackError(f"{self.path}: the index of the pack of images is damaged; {REMEDY}")
        return PackIndex.from_bytes(header.num_images, content)

    def _pread(self, length: int, start: int) -> bytes:
        """Return bytes of the file, fewer at its end; one call of the system gives 2 GiB at most, and may give fewer.

        Raises OSError.
        """
        parts = []
        while length > 0 and (part := os.pread(self._descriptor, length, start)):
            parts.append(part)
            length, start = length - len(part), start + len(part)
        return b"".join(parts)


REMEDY = "make it anew with bash run.sh data pack"


def encoded_name(name: str) -> bytes:
    """Return a file name as a pack holds it."""
    return name.encode("utf-8", "surrogateescape")  # as Python hands out names that are not UTF-8


def is_pack(path: Path) -> bool:
    """Tell whether a file begins as a pack does; raises OSError."""
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def _to_disk(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
