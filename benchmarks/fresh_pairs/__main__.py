"""Hold the interval of a demo run's F1 against fresh pairs: python -m benchmarks.fresh_pairs RUN [--seed 1]

RUN is the name of a run on the demo's data or its folder. A catalogue of another seed is made in a temporary folder and
decided at the calibrated threshold. Exit status 1 where its F1 is outside the interval that validation gave, as happens
to right intervals, too, once in twenty times or a little more.
"""

import argparse
import sys

from options.errors import exit_on_user_error
from scripts.arguments import at_least_one


@exit_on_user_error()
def main() -> None:
    """Parse the command line, decide, print; ends with status 1 where F1 is outside."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="name of a run, or its folder")
    parser.add_argument("--items", type=at_least_one, default=6000, help="of the fresh catalogue (%(default)s)")
    parser.add_argument("--seed", type=at_least_one, default=1, help="of the fresh catalogue (%(default)s)")
    arguments = parser.parse_args()
    # torch takes seconds to import, which wrong arguments and --help need not wait for.
    from benchmarks.fresh_pairs.fresh_pairs import decide_fresh_pairs
    from engine.distributed import started_processes
    from tools.views.reporting.load_run import find_run

    folder = find_run(arguments.run)
    with started_processes() as processes:
        found = decide_fresh_pairs(folder, arguments.items, arguments.seed, processes)
    print(
        f"F1 at the calibrated threshold: {found.validation_f1:.4f} of the validation pairs, interval {found.low:.4f} "
        f"to {found.high:.4f}; {found.fresh.f1:.4f} of {found.fresh.num_pairs:,} fresh pairs, "
        f"{'within' if found.is_within else 'outside'}"
    )
    sys.exit(0 if found.is_within else 1)


if __name__ == "__main__":
    main()
