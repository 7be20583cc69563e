"""Write near misses for a second round of training: python scripts/mine_negatives.py EMBEDDINGS PAIRS OUT

Pairs of different products whose margins are high, labelled "0". So that no unlabelled pair of one product is among
them, items that pairs labelled "1" join are never paired, nor items of which no same product is known (--ungrouped
takes them), and pairs whose margin reaches that of half the known same products are left out (--ceiling).
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from scripts.arguments import aligned, at_least_one, finite_number


@exit_on_user_error()
def main() -> None:
    """Parse the command line, mine, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embeddings", type=Path, help="folder of scripts/embed_items.sh, of the training items")
    parser.add_argument("pairs", type=Path, help="labelled training pairs")
    parser.add_argument("out", type=Path, help="pair file to write; must not exist")
    parser.add_argument("--per-item", type=at_least_one, default=3, metavar="K", help="at most (%(default)s)")
    parser.add_argument(
        "--ceiling",
        type=finite_number,
        metavar="MARGIN",
        help="leave out pairs from here on (median of the same products)",
    )
    parser.add_argument("--same-category", action="store_true", help="both items of one category")
    parser.add_argument("--ungrouped", action="store_true", help="also items in no pair labelled 1")
    parser.add_argument("--keep-pairs", action="store_true", help="begin the file with the labelled pairs")
    parsed = parser.parse_args()
    # torch takes seconds to import, which a wrong command and --help need not wait for.
    from tools.catalogue.mining import MiningSettings, mine

    settings = MiningSettings(
        parsed.per_item, parsed.ceiling, parsed.same_category, parsed.ungrouped, parsed.keep_pairs
    )
    mined = mine(parsed.embeddings, parsed.pairs, parsed.out, settings)
    margin = mined.found.margin
    print(
        aligned(
            {
                "items": mined.num_items,
                "items with a known same product": mined.num_grouped,
                "ceiling of the margin": mined.ceiling,
                "pairs that the ceiling left out": mined.found.num_above_ceiling,
                "near misses": len(margin),
                "highest margin": float(margin.max()),
                "lowest margin": float(margin.min()),
                f"lines of {parsed.out}": mined.num_lines,
            }
        )
    )


if __name__ == "__main__":
    main()
