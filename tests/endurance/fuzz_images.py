"""Read damaged image files by the thousand: none may end, hang or deceive the reading."""

import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from tqdm import tqdm

from data.image_bytes import FORMATS
from data.image_decoding import DECODER_ERRORS, to_rgb
from data.image_store import ImageFolder
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_image import BadImageError, read_image
from data.item_tensors import ItemTensors
from data.options import ImageOptions
from tests.endurance.image_mutations import MutatedImage, mutated_image
from tests.endurance.peak_memory import peak_bytes

SIZE = 48
"""Width and height to which the pictures are brought, in pixels."""
TIME_LIMIT = 30.0
"""Seconds after which a file counts as a hang."""


class Outcome(NamedTuple):
    """What became of one damaged file."""

    result: str
    """refused, unchanged (the good file's picture), changed (another picture, decoded without any complaint)"""
    fault: str
    """What is wrong with that; empty where nothing is."""
    peak_bytes: int
    """Most memory that the reading process has held so far."""


@dataclass(frozen=True, slots=True)
class FuzzReport:
    """What became of all damaged files."""

    num_images: int
    counts: Mapping[str, Mapping[str, int]]
    """By kind of file, then by result: refused, unchanged and changed."""
    faults: tuple[str, ...]
    """Everything that should not have happened, each with the seed that repeats it."""
    peak_bytes: int
    """Most memory that a reading process held."""
    slowest_seconds: float
    """Of one file, with all its checks."""

    def total(self, result: str) -> int:
        """Return the number of files of a result over all kinds."""
        return sum(counts.get(result, 0) for counts in self.counts.values())


def fuzz_images(folder: Path, count: int, seed: int) -> FuzzReport:
    """Read `count` damaged images in a process of its own, which a crash or hang cannot take along.

    A file is read as training does, with on_bad_image error and blank. Where it is taken for good, its picture
    must be that of a plain decoding by Pillow or of the undamaged file, and no file that was cut off may be
    taken for good with another picture than the whole one's.

    Args:
        folder: an existing folder, for one file at a time.
        count: of damaged files.
        seed: of the first; the others have the seeds that follow.
    """
    counts: dict[str, Counter[str]] = {}
    faults: list[str] = []
    peak_bytes, slowest = 0, 0.0
    reader = _Reader(folder)
    try:
        for number in tqdm(range(seed, seed + count), desc="damaged images", unit="file", disable=None):
            start = time.perf_counter()
            outcome = reader.outcome(number)
            slowest = max(slowest, time.perf_counter() - start)
            peak_bytes = max(peak_bytes, outcome.peak_bytes)
            image = mutated_image(number)
            counts.setdefault(image.kind, Counter())[outcome.result] += 1
            if outcome.fault:
                faults.append(f"{image.description}: {outcome.fault}")
    finally:
        reader.close()
    return FuzzReport(count, counts, tuple(faults), peak_bytes, slowest)


class _Reader:
    """A process that reads damaged files by their seeds, started again whenever one ends it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._start()

    def _start(self) -> None:
        context = _context()
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_answer, args=(other, self._folder), daemon=True)
        self._process.start()
        other.close()
        self._connection.recv()  # ready

    def outcome(self, seed: int) -> Outcome:
        self._connection.send(seed)
        try:
            if self._connection.poll(TIME_LIMIT):
                outcome: Outcome = self._connection.recv()
                return outcome
            fault = f"took more than {TIME_LIMIT:g} seconds"
        except EOFError:
            self._process.join()
            fault = f"ended the process with exit code {self._process.exitcode}"
        self.close()
        self._start()
        return Outcome("died", fault, 0)

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()


def _context() -> SpawnContext:
    return multiprocessing.get_context("spawn")


def _answer(connection: Connection, folder: Path) -> None:
    # libtiff prints what it finds by itself, past Python.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    connection.send("ready")
    while True:
        try:
            seed = connection.recv()
        except EOFError:
            return
        connection.send(_read_one(mutated_image(seed), folder))


def _read_one(image: MutatedImage, folder: Path) -> Outcome:
    file = folder / image.name
    file.write_bytes(image.content)
    try:
        result, fault = _result(image, file)
    except Exception as error:  # noqa: BLE001 - any is what is looked for
        result, fault = "died", f"{type(error).__name__}: {error}"
    file.unlink()
    return Outcome(result, fault, peak_bytes())


def _result(image: MutatedImage, file: Path) -> tuple[str, str]:
    try:
        picture = read_image(file, SIZE)
    except BadImageError as error:
        fault = "" if str(error).startswith(f"{file}: ") else f"the message names no file: {error}"
        return "refused", fault or _policy_fault(file, None)
    fault = _policy_fault(file, picture)
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        fault = fault or "Pillow is told to hide what is missing"
    good = _plain(image.original)
    if good is not None and np.array_equal(picture, good):
        return "unchanged", fault
    if image.is_cut:
        fault = fault or "cut off, and read as if nothing were missing"
    plain = _plain(image.content)
    if plain is None or not _equal(picture, plain, is_jpeg=image.content.startswith(b"\xff\xd8")):
        fault = fault or "read as neither the file's picture nor the good one"
    return "changed", fault


def _equal(picture: NDArray[np.uint8], plain: NDArray[np.uint8], is_jpeg: bool) -> bool:
    """Tell whether pictures agree; where a JPEG lacks its last few bytes, its last blocks are anyone's guess.

    Of the small pictures here a block and what resampling spreads of it are up to two thirds.
    """
    differs = (picture != plain).any(axis=2)
    if is_jpeg:
        differs[SIZE // 3 :, SIZE // 3 :] = False
    return not differs.any()


def _policy_fault(file: Path, picture: NDArray[np.uint8] | None) -> str:
    """Check what training makes of the file, None where it is refused."""
    catalog = ItemCatalog([Item("the item", "", {}, "", file.name)])
    folder = ImageFolder(file.parent)
    blank = ItemTensors(catalog, None, folder, ImageOptions(size=SIZE, on_bad_image="blank")).batch([0])
    if bool(blank.blank_image[0]) != (picture is None) or bool(blank.images.any()) == (picture is None):
        return "on_bad_image=blank does not replace just what is unreadable"
    try:
        ItemTensors(catalog, None, folder, ImageOptions(size=SIZE)).batch([0])
    except BadImageError as error:
        return "" if picture is None and "'the item'" in str(error) else f"on_bad_image=error: {error}"
    return "" if picture is not None else "on_bad_image=error lets it pass"


def _plain(content: bytes) -> NDArray[np.uint8] | None:
    """Return the picture as Pillow decodes the whole file, None where it refuses."""
    try:
        with Image.open(BytesIO(content), formats=[*FORMATS, "MPO"]) as image:
            reduced = image.draft("RGB", (SIZE, SIZE))
            picture = to_rgb(image)
            box = reduced[1] if reduced else None
            if picture.size != (SIZE, SIZE):
                picture = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box)
            return np.asarray(picture)
    except (*DECODER_ERRORS, OSError):
        return None
