"""Cross-validate option files by product: python scripts/cross_validate.py OPTION_FILE [OPTION_FILE ...]

The training and validation pairs are dealt to folds so that no product is in two; for each fold and seed a model is
trained on the other folds for all its steps and scores the fold's pairs. A fold's threshold is chosen on the other
folds' scores. The first option file is what the others are compared with. Scores are kept in
experiments/<name>.cross_validation, so that the same command goes on where it was ended; folds whose items, pairs or
labels have changed are trained again.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.hub import go_offline_without_hub
from engine.experiment import ExperimentOptions
from options.errors import UserError, exit_on_user_error
from options.read import read_options
from scripts.arguments import at_least_one, seed_number
from tools.views.reporting.pair_kinds import read_kinds


@exit_on_user_error()
def main() -> None:
    """Parse the command line, train and score, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arguments", nargs="+", metavar="OPTION_FILE | section.key=value",
                        help="option files, and options in place of theirs")  # fmt: skip
    parser.add_argument("--folds", type=at_least_one, default=5, help="(%(default)s)")
    parser.add_argument("--seeds", type=seed_number, nargs="+", default=[0, 1, 2, 3, 4], help="(%(default)s)")
    parser.add_argument("--replicates", type=at_least_one, default=1000, help="draws of the bootstrap (%(default)s)")
    given = parser.parse_intermixed_args()
    overrides = [argument for argument in given.arguments if "=" in argument]
    files = [Path(argument) for argument in given.arguments if "=" not in argument]
    if not files or given.folds < 2:
        raise UserError("give at least one option file and two folds")
    experiments = [read_options(ExperimentOptions, file, overrides) for file in files]
    go_offline_without_hub([name for options in experiments for name in options.hub_names])
    # torch takes seconds to import, which a wrong command and --help need not wait for.
    from engine.distributed import started_processes
    from metrics.bootstrap import Resampling
    from metrics.clusters import pair_clusters
    from tools.study.cross_validation.held_out import decided
    from tools.study.cross_validation.runs import CrossValidation, read_all_pairs
    from tools.study.cross_validation.table import kind_lines, table_lines

    found = read_all_pairs(experiments)
    with started_processes() as processes:
        systems = []
        for options, data in zip(experiments, found, strict=True):
            held_out, seconds = CrossValidation(options, data, given.folds, processes).held_out(given.seeds)
            systems.append(decided(options.name, held_out, data.same, seconds))
    first = found[0]  # the others have its pairs
    clusters = pair_clusters(first.pairs.source, first.pairs.target)
    print("\n".join(table_lines(systems, first.same, Resampling(clusters, given.replicates))))
    num_train = len(first.pairs) - first.num_validation
    kinds = [read_kinds(first.files.pairs, num_train), read_kinds(first.validation_file, first.num_validation)]
    if kinds[0] is not None and kinds[1] is not None:
        print("\n".join(["", *kind_lines(systems, first.same, [*kinds[0], *kinds[1]])]))


if __name__ == "__main__":
    main()
