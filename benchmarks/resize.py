"""Compare the project's way to resize with a plain Pillow pool: pictures per second and pixel difference.

The plain pool opens, converts to RGB, resizes with Pillow's default filter and saves with its default
JPEG settings, with as many processes. Both run in turn, several times; the table gives the medians.
"""

import argparse
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.arguments import at_least_one
from benchmarks.synthetic_photos import write_photos
from options.errors import UserError, exit_on_user_error
from options.table import aligned_rows
from tools.preparation.picture import PictureSettings
from tools.preparation.resize_run import resize_folder


def plain_resize(name: Path, output: Path, size: int) -> None:
    """Resize one picture in the plainest way."""
    with Image.open(name) as picture:
        picture.convert("RGB").resize((size, size)).save(output / f"{name.stem}.jpg")


def plain_pool(names: list[Path], output: Path, size: int, processes: int) -> None:
    """Resize all pictures in the plainest way."""
    output.mkdir()
    with multiprocessing.Pool(processes) as pool:
        for _ in pool.imap_unordered(partial(plain_resize, output=output, size=size), names, chunksize=8):
            pass


def pixel_differences(first: Path, second: Path) -> list[float]:
    """Return each picture's mean absolute difference on the scale of 0 to 255."""
    return [float(np.abs(_pixels(name) - _pixels(second / name.name)).mean()) for name in sorted(first.glob("*.jpg"))]


def _pixels(name: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    with Image.open(name) as picture:
        return np.asarray(picture, dtype=np.int16)


@exit_on_user_error()
def main() -> None:
    """Parse the command line, run both in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, nargs="?", help="folder of sound pictures with distinct stems")
    parser.add_argument("--photos", type=at_least_one, default=100, help="invented ones without it (%(default)s)")
    parser.add_argument("--size", type=at_least_one, default=384)
    parser.add_argument("--processes", type=at_least_one, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=at_least_one, default=5)
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {"plain": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder:
        source = arguments.source or write_photos(Path(folder, "photos"), arguments.photos)
        names = sorted(name for name in source.iterdir() if name.is_file())
        if not names:
            raise UserError(f"{source}: no files in it")
        plain, ours = Path(folder, "plain"), Path(folder, "ours")
        for _ in range(arguments.rounds):
            shutil.rmtree(plain, ignore_errors=True)
            shutil.rmtree(ours, ignore_errors=True)
            start = time.perf_counter()
            plain_pool(names, plain, arguments.size, arguments.processes)
            middle = time.perf_counter()
            settings = PictureSettings(size=arguments.size)
            resize_folder(source, ours, settings, processes=arguments.processes, time_limit=120.0)
            seconds["plain"].append(middle - start)
            seconds["ours"].append(time.perf_counter() - middle)
        differences = pixel_differences(plain, ours)
    ratios = [plain / ours for plain, ours in zip(seconds["plain"], seconds["ours"], strict=True)]
    figures = {
        "plain, pictures/s": len(names) / statistics.median(seconds["plain"]),
        "ours, pictures/s": len(names) / statistics.median(seconds["ours"]),
        "ratio, median of rounds": statistics.median(ratios),
        "ratio, lowest round": min(ratios),
        "mean pixel difference": statistics.mean(differences),
        "largest picture's difference": max(differences),
    }
    rows = [("pictures", f"{len(names):,}"), *((name, f"{value:.4f}") for name, value in figures.items())]
    print(aligned_rows(rows))


if __name__ == "__main__":
    main()
