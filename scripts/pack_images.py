"""Pack a folder of images into one file, which an option file names as `images` in place of the folder.

--as jpeg keeps every image's file as it is, whatever its format, so the pictures are the same as the folder's.
--as pixels keeps the decoded pictures, stretched to --size: far larger, and nothing is left to decode.
Unreadable images are listed at the end; training then treats them as it does those of a folder.
"""

import argparse
import os
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.image_pack import KINDS
from options.errors import exit_on_user_error
from options.printable import shortened
from scripts.arguments import aligned, at_least_one
from tools.preparation.image_packing import PackReport, PackSettings, pack_images


@exit_on_user_error()
def main() -> None:
    """Parse the command line, pack, print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="folder of the items' images")
    parser.add_argument("output", type=Path, metavar="OUT.pack", help="the file to write, or to replace")
    parser.add_argument("--items", type=Path, nargs="+", default=[], help="item files; only their images are packed")
    parser.add_argument("--as", dest="kind", choices=KINDS, default="jpeg", help="(%(default)s)")
    parser.add_argument("--size", type=at_least_one, default=384, help="data.image.size (%(default)s)")
    parser.add_argument("--follow-links", action="store_true", help="pack files that links out of the folder lead to")
    parser.add_argument("--workers", type=at_least_one, default=os.cpu_count() or 1, help="(%(default)s)")
    arguments = parser.parse_args()
    settings = PackSettings(arguments.kind, arguments.size, arguments.follow_links)
    report = pack_images(arguments.images, arguments.output, arguments.items, settings, processes=arguments.workers)
    print(summary(report))


def summary(report: PackReport) -> str:
    """Return the counts, and a line for each image that cannot be read."""
    counts: dict[str, int | float | str] = {
        "images": report.num_images,
        "unreadable images": len(report.faults),
        "megabytes": f"{report.num_bytes / 1e6:,.1f}",
    }
    return "\n".join([aligned(counts), *(shortened(f"{name}: {why}", 500) for name, why in report.faults.items())])


if __name__ == "__main__":
    main()
