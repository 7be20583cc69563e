"""Stretch every picture of a folder to a square RGB JPEG named `<stem>.jpg`.

The picture is stretched as it is stored (--upright turns it as its EXIF orientation says), transparent
parts become white, and of an animation the first frame counts. Of several files with one stem the first
undamaged one by name is taken. An interrupted run goes on where it ended.
"""

import argparse
import os
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from scripts.arguments import aligned, at_least_one
from tools.preparation.picture import PictureSettings
from tools.preparation.resize_report import REPORT_NAME
from tools.preparation.resize_run import resize_folder


@exit_on_user_error()
def main() -> None:
    """Parse the command line, resize, print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of picture files, searched with its subfolders")
    parser.add_argument("output", type=Path, help="folder of the prepared pictures and of report.jsonl")
    parser.add_argument("--size", type=at_least_one, default=384, help="height and width (%(default)s)")
    parser.add_argument("--quality", type=at_least_one, default=75, help="JPEG quality, 1 to 95 (%(default)s)")
    parser.add_argument("--processes", type=at_least_one, default=os.cpu_count() or 1, help="(%(default)s)")
    parser.add_argument("--upright", action="store_true", help="turn pictures as their EXIF orientation says")
    parser.add_argument(
        "--max-pixels",
        type=at_least_one,
        default=100_000_000,
        help="larger pictures are refused (%(default)s)",
    )
    parser.add_argument("--time-limit", type=float, default=120.0, help="seconds a stem may take (%(default)s)")
    arguments = parser.parse_args()
    counts = resize_folder(
        arguments.source,
        arguments.output,
        PictureSettings(size=arguments.size, max_pixels=arguments.max_pixels, upright=arguments.upright),
        quality=arguments.quality,
        processes=arguments.processes,
        time_limit=arguments.time_limit,
    )
    print(aligned(counts))
    print(f"details: {arguments.output / REPORT_NAME}")


if __name__ == "__main__":
    main()
