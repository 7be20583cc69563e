"""Split labelled pairs into pair_train.jsonl and pair_val.jsonl that share no item.

components: hold out whole connected components of the pair graph; no pair is lost.
drop-seen: split the pairs at random, then drop the validation pairs whose items training has seen.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from scripts.arguments import aligned, positive_number, seed_number
from tools.preparation.split_files import SplitReport, split_pair_file


def summary(report: SplitReport) -> str:
    """Return the report as an aligned table, with advice where the split is poor."""
    split = report.split
    num_train, num_val = int(split.train.sum()), int(split.val.sum())
    table = aligned(
        {
            "training pairs": num_train,
            "validation pairs": num_val,
            "dropped pairs": len(split.train) - num_train - num_val,
            "training : validation": num_train / num_val,
            "positive share, training": report.train_positive,
            "positive share, validation": report.val_positive,
            "connected components": split.num_components,
            "pairs of the largest": split.largest_component,
            "validation items with a text of training": report.num_same_text,
            "validation items with an image of training": (
                "not checked" if report.num_same_image is None else report.num_same_image
            ),
            "items without an image file": report.num_images_missing,
        }
    )
    if split.has_giant:
        table += (
            "\nwarning: one component holds most pairs and stays in training, so validation comes from the rest "
            "and may not be like it; consider --way drop-seen, which drops pairs instead"
        )
    return table


@exit_on_user_error()
def main() -> None:
    """Parse the command line, split, print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", type=Path, help="item file")
    parser.add_argument("pairs", type=Path, help="labelled pair file")
    parser.add_argument("output", type=Path, help="folder of the two files")
    parser.add_argument(
        "--ratio",
        type=positive_number,
        default=5.6,
        help="training pairs a validation pair, before any are dropped (%(default)s)",
    )
    parser.add_argument("--seed", type=seed_number, default=0, help="(%(default)s)")
    parser.add_argument("--images", type=Path, help="folder of the items' images, to look for equal ones")
    parser.add_argument("--way", choices=["components", "drop-seen"], default="components", help="(%(default)s)")
    arguments = parser.parse_args()
    report = split_pair_file(
        arguments.items,
        arguments.pairs,
        arguments.output,
        arguments.images,
        way=arguments.way,
        ratio=arguments.ratio,
        seed=arguments.seed,
    )
    print(summary(report))


if __name__ == "__main__":
    main()
