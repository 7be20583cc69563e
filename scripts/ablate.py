"""Train every ablation with several seeds, then compare them: bash scripts/ablate.sh [section.key=value ...]

The ablations are the option files of options/ablation. Run again, the same command goes on where it was; runs that are
done are passed over.
"""

import argparse
import os
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.run_folder import run_folder
from options.errors import exit_on_user_error
from scripts.arguments import at_least_one, seed_number
from tools.study.ablation.process import run_forwarding_signals
from tools.study.ablation.runs import REPOSITORY, AblationRun, ablation_runs, is_done


@exit_on_user_error()
def main() -> None:
    """Parse the command line, train what is not done, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="an option of every run")
    parser.add_argument("--study", default="ablation", metavar="NAME", help="how the runs' names begin (%(default)s)")
    parser.add_argument("--seeds", type=seed_number, nargs="+", default=[0, 1, 2], metavar="N", help="(0 1 2)")
    parser.add_argument("--replicates", type=at_least_one, default=1000, help="draws of the bootstrap (%(default)s)")
    arguments = parser.parse_args()
    for override in arguments.overrides:
        if override.partition("=")[0] in ("name", "seed"):
            parser.error(f"{override}: every run has a name and a seed of its own; give --study NAME, or SEEDS")
    runs = ablation_runs(arguments.study, list(dict.fromkeys(arguments.seeds)), arguments.overrides)
    for number, run in enumerate(runs, start=1):
        if is_done(run):
            print(f"run {number} of {len(runs)}, {run.options.name}: is done")
        else:
            print(f"run {number} of {len(runs)}, {run.options.name}:", flush=True)
            _train(run)
    _compare(runs, arguments.replicates)


def _train(run: AblationRun) -> None:
    """Train a run; ends with the exit status of training unless that is 0."""
    command = ["-m", "engine.launch", str(REPOSITORY / "train.py"), str(run.option_file), *run.overrides]
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    status = run_forwarding_signals([sys.executable, *command], {**os.environ, "PYTHONPATH": path})
    if status:
        sys.exit(status)


def _compare(runs: list[AblationRun], num_replicates: int) -> None:
    from tools.study.deciding.comparison import compare, comparison_lines
    from tools.study.deciding.systems import join_seeds, system_of

    systems = join_seeds(system_of(run_folder(run.options.name).root, None, "calibrated") for run in runs)
    print("\n".join(comparison_lines(compare(systems, num_replicates, seed=0))))


if __name__ == "__main__":
    main()
