"""Print what catalogues of 10^6, 10^8 and 10^9 items cost, computed from unit costs: the table of docs/scale.md."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.preparation.summary import positive_number
from scripts.scale.estimate import Layout, estimate
from scripts.scale.table import markdown_table
from scripts.scale.unit_costs import UnitCosts

LAYOUTS = (Layout(10**6, "ivf_fp16", 1), Layout(10**8, "ivf_pq", 10), Layout(10**9, "ivf_pq", 8))


def main() -> None:
    """Parse the command line, compute, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = UnitCosts()
    parser.add_argument(
        "--gpu-operations", type=positive_number, default=usual.gpu_operations, help="of a GPU a second (%(default)g)"
    )
    parser.add_argument(
        "--gpu-utilisation", type=positive_number, default=usual.gpu_utilisation, help="share of them (%(default)g)"
    )
    parser.add_argument(
        "--list-share", type=positive_number, default=usual.list_share, help="share of an index looked through"
    )
    parsed = parser.parse_args()
    costs = replace(
        usual,
        gpu_operations=parsed.gpu_operations,
        gpu_utilisation=parsed.gpu_utilisation,
        list_share=parsed.list_share,
    )
    print(markdown_table([estimate(layout, costs) for layout in LAYOUTS]))


if __name__ == "__main__":
    main()
