"""Make an invented catalogue: python scripts/make_demo_data.py --out datasets/demo."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.run_lock import one_at_a_time
from options.errors import exit_on_user_error
from tools.preparation.demo.catalogue import SPLITS
from tools.preparation.demo.product import FACTORS
from tools.preparation.demo.settings import DemoSettings, NamingRates
from tools.preparation.demo.write import is_demo_data, write_demo_data


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    default = DemoSettings(out=Path())
    parser = argparse.ArgumentParser(description="Make an invented catalogue in the files of the task.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--items", type=int, default=default.items, help="approximate number (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="seed of all randomness (%(default)s)")
    parser.add_argument("--image-size", type=int, default=default.image_size, help="pixels a side (%(default)s)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="(%(default)s, the cores)")
    parser.add_argument("--val-fraction", type=float, default=default.val_fraction, help="(%(default)s)")
    parser.add_argument("--test-fraction", type=float, default=default.test_fraction, help="(%(default)s)")
    parser.add_argument("--positive-fraction", type=float, default=default.positive_fraction, help="(%(default)s)")
    for factor, rate in asdict(default.naming).items():
        text = f"how often sellers name the {factor} in the text, 0 to 1 (%(default)s)"
        parser.add_argument(f"--name-{factor}", type=float, default=rate, metavar="RATE", help=text)
    parser.add_argument("--force", action="store_true", help="replace a folder that is already there")
    return parser.parse_args()


@exit_on_user_error()
def main() -> None:
    """Make the catalogue and print how many pairs of each kind it has."""
    arguments = vars(parse_arguments())
    force = arguments.pop("force")
    naming = NamingRates(**{factor: arguments.pop(f"name_{factor}") for factor in FACTORS})
    settings = DemoSettings(**arguments, naming=naming)

    def is_there() -> bool:
        return is_demo_data(settings.out) and not force

    if not is_there():
        out = settings.out.resolve()
        with one_at_a_time(out.with_name(f".{out.name}.lock")):
            if not is_there():  # nor did another process make it meanwhile
                print_kinds(write_demo_data(settings))
                return
    print(f"{settings.out} is already there; --force makes it anew")


def print_kinds(kinds: Mapping[str, Mapping[str, int]]) -> None:
    """Print a table of the pairs of each kind in each split."""
    names = sorted({kind for counts in kinds.values() for kind in counts})
    print(f"{'pairs':20}" + "".join(f"{split:>8}" for split in SPLITS))
    for name in names:
        print(f"{name:20}" + "".join(f"{kinds[split][name]:8}" for split in SPLITS))


if __name__ == "__main__":
    main()
