"""Draw the distribution of a run's margins, as PNG and SVG: python scripts/plot_scores.py RUN [--out scores.png]

RUN is the name of a run or its folder, experiments/<name>. The histograms are those of pairs labelled the same and
different; the line is the threshold calibrated on the validation pairs.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error


@exit_on_user_error()
def main() -> None:
    """Parse the command line, encode, write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="name of a run, or its folder")
    parser.add_argument("--split", choices=("train", "val", "test"), default="val", help="labelled split (%(default)s)")
    parser.add_argument("--out", type=Path, help="PNG file, the SVG beside it (experiments/<name>/scores.png)")
    arguments = parser.parse_args()
    # torch takes seconds to import, which wrong arguments and --help need not wait for.
    from engine.distributed import started_processes
    from engine.run_folder import write_text
    from tools.views.reporting.charts.histogram import score_histogram
    from tools.views.reporting.charts.png import write_png
    from tools.views.reporting.charts.svg import standalone_svg
    from tools.views.reporting.load_run import find_run, load_report_data

    folder = find_run(arguments.run)
    with started_processes() as processes:
        data = load_report_data(folder, arguments.split, processes)
    if data is not None:
        drawing = score_histogram(data.pairs.margin, data.pairs.same, data.calibrated_threshold)
        out: Path = (arguments.out or folder.root / "scores.png").with_suffix(".png")
        write_png(drawing, out)
        write_text(out.with_suffix(".svg"), standalone_svg(drawing))
        print(f"scores: {out} and {out.with_suffix('.svg')}")


if __name__ == "__main__":
    main()
