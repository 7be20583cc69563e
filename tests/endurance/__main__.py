"""Prove that nothing is lost: python -m tests.endurance [--only kills disks checkpoints images pairs audit milvus].

kills        runs killed at random moments and started again end bit-identical to a run that was left alone
disks        a full disk and lost permission end a run with a message, and it goes on when they are mended
checkpoints  a damaged latest checkpoint is passed over for the one before
images       damaged and hostile pictures are read or refused with a message, whatever is in them
pairs        a million pairs take little more memory than a hundred thousand
audit        the audit tells of whatever in item and pair files ends training or is read by nothing
milvus       a Milvus server, which pip installs into a folder of its own, finds and groups what FAISS does

Everything is written to one folder. Linux is needed. Exit status: 0 all passed, 1 something did not.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.arguments import at_least_one, seed_number
from tests.endurance.audit_trial import audit_trial
from tests.endurance.checkpoint_trial import checkpoint_trial
from tests.endurance.disk_trial import disk_trial
from tests.endurance.image_trial import image_trial
from tests.endurance.kill_trial import kill_trial
from tests.endurance.milvus_trial import milvus_trial
from tests.endurance.pair_trial import pair_trial
from tests.endurance.small_disk import enter_namespace
from tests.endurance.trial import TrialResult, format_table
from tests.endurance.workplace import Workplace

TRIALS: dict[str, Callable[[Workplace, argparse.Namespace], list[TrialResult]]] = {
    "kills": lambda place, arguments: kill_trial(place, arguments.kills, arguments.seed),
    "disks": lambda place, _: disk_trial(place),
    "checkpoints": lambda place, _: checkpoint_trial(place),
    "images": lambda place, arguments: image_trial(place, arguments.images, arguments.seed),
    "pairs": lambda place, arguments: pair_trial(place, arguments.pairs, arguments.seed),
    "audit": lambda place, arguments: audit_trial(place, arguments.files, arguments.seed),
    "milvus": lambda place, arguments: milvus_trial(place, arguments.seed),
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TRIALS, default=[*TRIALS], help="some of the trials")
    parser.add_argument("--kills", type=at_least_one, default=100, help="how often runs are killed (%(default)s)")
    parser.add_argument("--images", type=at_least_one, default=5_000, help="damaged pictures (%(default)s)")
    parser.add_argument("--pairs", type=at_least_one, default=1_000_000, help="pairs to evaluate (%(default)s)")
    parser.add_argument("--files", type=at_least_one, default=10_000, help="files to audit (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of the moments and the data (%(default)s)")
    parser.add_argument(
        "--work", type=Path, metavar="FOLDER", help="new or empty folder to write, kept (a temporary one)"
    )
    arguments = parser.parse_args()
    if arguments.work is not None and arguments.work.exists() and any(arguments.work.iterdir()):
        parser.error(f"{arguments.work}: has something in it; give an empty folder or a new one to --work")
    return arguments


def main() -> int:
    """Run the trials, print the table; return the exit status."""
    arguments = parse_arguments()
    if "disks" in arguments.only:
        enter_namespace()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = (arguments.work or Path(tempfile.mkdtemp(prefix="torture_"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    place = Workplace(folder)
    try:
        results = [result for name in arguments.only for result in TRIALS[name](place, arguments)]
    finally:
        place.close()
    print(format_table(results))
    failed = any(result.has_failed for result in results)
    if arguments.work is None and not failed:
        shutil.rmtree(folder)
    else:
        print(f"\nruns and outputs are in {folder}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
