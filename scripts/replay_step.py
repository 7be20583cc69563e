"""Do the step again whose loss or gradient was not finite: python scripts/replay_step.py experiments/<name>/non_finite

A step of several processes needs as many: NPROC=2 python -m engine.launch scripts/replay_step.py FOLDER.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from options.errors import exit_on_user_error


def main() -> None:
    """Print which batch, module, pairs and gradients are not finite."""
    parser = argparse.ArgumentParser(description="Find where numbers that are not finite come from in a training step.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="experiments/<name>/non_finite")
    parser.add_argument("--check", action="store_true", help="do nothing; for engine.launch")
    arguments = parser.parse_args()
    if arguments.check:
        return
    from engine.distributed import started_processes
    from tools.study.replay import replay_lines, replay_step

    with exit_on_user_error(), started_processes() as processes:
        replays = replay_step(arguments.folder, processes)
        if processes.is_first:
            print("\n".join(replay_lines(replays)))


if __name__ == "__main__":
    main()
