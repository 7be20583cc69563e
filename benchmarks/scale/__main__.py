"""Print what catalogues of 10^6, 10^8 and 10^9 items cost, computed from unit costs: the table of docs/scale.md."""

import argparse
from dataclasses import replace

from benchmarks.scale.estimate import Layout, estimate
from benchmarks.scale.table import markdown_table
from benchmarks.scale.unit_costs import UnitCosts
from scripts.arguments import positive_number

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
