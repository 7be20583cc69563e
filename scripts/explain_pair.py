"""Explain the decision on one pair: python scripts/explain_pair.py CHECKPOINT SOURCE TARGET [--out FILE.png]

SOURCE and TARGET are item ids of the run's splits, or of --items FILE --images FOLDER. Each word, each attribute and
each region of the pictures is left out in turn; what moves the margin most comes first.
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
    """Parse the command line, explain, print the table and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="a checkpoint, or the folder of a run for its best one"
    )
    parser.add_argument("source", metavar="SOURCE", help="id of an item")
    parser.add_argument("target", metavar="TARGET", help="id of the other item")
    parser.add_argument("--items", type=Path, help="item file to take items from, in place of the run's splits")
    parser.add_argument("--images", type=Path, help="its folder or pack of images")
    parser.add_argument("--options", type=Path, metavar="OPTION_FILE", help="for a checkpoint without options, a .pth")
    parser.add_argument("--out", type=Path, default=Path("explanation.png"), help="picture to write (%(default)s)")
    parser.add_argument("--grid", type=at_least_one, default=6, help="rows and columns of regions (%(default)s)")
    parser.add_argument("--words", type=at_least_one, default=60, help="most words of each title (%(default)s)")
    parser.add_argument("--rows", type=at_least_one, default=20, help="most rows of the table (%(default)s)")
    parsed = parser.parse_args()
    # torch takes seconds to import, which wrong arguments and --help need not wait for.
    from engine.distributed import started_processes
    from tools.views.explaining.catalogue import load_catalogue
    from tools.views.explaining.explain import ExplanationSettings, explain
    from tools.views.explaining.pair_model import load_pair_model
    from tools.views.explaining.picture import PANEL, explanation_picture
    from tools.views.explaining.table import explanation_lines
    from tools.views.reporting.charts.png import write_picture

    with started_processes() as processes:
        model = load_pair_model(parsed.checkpoint, parsed.options, processes)
        catalogue = load_catalogue(parsed.items, parsed.images, model.options)
        source, target = catalogue.get(parsed.source), catalogue.get(parsed.target)
        explanation = explain(model, source, target, ExplanationSettings(parsed.grid, parsed.words))
    print("\n".join(explanation_lines(explanation, parsed.rows)))
    pictures = [listing.picture_to_show(PANEL) for listing in (source, target)]
    write_picture(explanation_picture(explanation, pictures, parsed.rows), parsed.out)
    print(f"picture: {parsed.out}")


if __name__ == "__main__":
    main()
