"""Measure what needs no learning: python scripts/trivial_baselines.py ITEMS PAIRS IMAGES."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.options import TextOptions
from options.errors import exit_on_user_error
from tools.study.baselines.table import format_table, measure_baselines


@exit_on_user_error()
def main() -> None:
    """Print the best F1 of each baseline."""
    parser = argparse.ArgumentParser(description="Best F1 on labelled pairs of what needs no learning.")
    parser.add_argument("items", type=Path, help="JSONL file of items")
    parser.add_argument("pairs", type=Path, help="JSONL file of labelled pairs")
    parser.add_argument("images", type=Path, help="folder or pack of the items' images")
    arguments = parser.parse_args()
    choices = measure_baselines(arguments.items, arguments.pairs, arguments.images, TextOptions().attributes)
    print(format_table(choices))


if __name__ == "__main__":
    main()
