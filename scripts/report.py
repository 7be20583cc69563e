"""Write the report of a run, one HTML file to look at: python scripts/report.py RUN [--split val] [--out FILE]

RUN is the name of a run or its folder, experiments/<name>. Its best checkpoint decides on the labelled pairs of the
split.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from scripts.arguments import at_least_one


@exit_on_user_error()
def main() -> None:
    """Parse the command line, encode, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="name of a run, or its folder")
    parser.add_argument("--split", choices=("train", "val", "test"), default="val", help="labelled split (%(default)s)")
    parser.add_argument("--out", type=Path, help="HTML file (experiments/<name>/report_<split>.html)")
    parser.add_argument(
        "--gallery", type=at_least_one, default=60, metavar="N", help="pairs of each group with pictures (%(default)s)"
    )
    arguments = parser.parse_args()
    # torch takes seconds to import, which wrong arguments and --help need not wait for.
    from engine.distributed import started_processes
    from engine.run_folder import write_text
    from tools.views.reporting.load_run import find_run, load_report_data
    from tools.views.reporting.report import render_report

    folder = find_run(arguments.run)
    with started_processes() as processes:
        data = load_report_data(folder, arguments.split, processes)
    if data is not None:
        out = arguments.out or folder.root / f"report_{arguments.split}.html"
        write_text(out, render_report(data, arguments.gallery))
        print(f"report: {out} ({out.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
