"""Extract zip archives, whole or in parts, each into a folder of its own name.

Parts are read where they lie, without joining them on disk: NAME.zip.001 ..., NAME.zip.partaa ...,
NAME.zip.aa ..., and NAME.z01 ... NAME.zip. An archive with a member that would leave the folder, a link, or
more than the limits is refused as a whole. An interrupted extraction goes on where it ended.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from scripts.arguments import at_least_one, positive_number
from tools.preparation.archive_members import ExtractionLimits
from tools.preparation.archive_parts import find_archives
from tools.preparation.extraction import extract_archive


@exit_on_user_error()
def main() -> None:
    """Parse the command line, extract, print a line for each archive."""
    limits = ExtractionLimits()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archives", type=Path, nargs="+", help="archives, parts, or folders of them")
    parser.add_argument("output", type=Path, help="folder to extract to")
    parser.add_argument("--max-files", type=at_least_one, default=limits.max_files, help="(%(default)s)")
    parser.add_argument("--max-bytes", type=at_least_one, default=limits.max_bytes, help="(%(default)s)")
    parser.add_argument("--max-ratio", type=positive_number, default=limits.max_ratio, help="(%(default)s)")
    arguments = parser.parse_args()
    limits = ExtractionLimits(arguments.max_files, arguments.max_bytes, arguments.max_ratio)
    for archive in find_archives(arguments.archives):
        counts = extract_archive(archive, arguments.output, limits)
        print(
            f"{arguments.output / archive.name}: {counts.extracted:,} files extracted, {counts.kept:,} kept, "
            f"from {len(archive.parts)} part(s)"
        )


if __name__ == "__main__":
    main()
