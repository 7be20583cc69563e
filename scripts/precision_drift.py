"""Compare the decisions of a checkpoint in float32 with those in bfloat16 and float16.

python scripts/precision_drift.py OPTION_FILE [section.key=value ...]
The split, the checkpoint and the threshold are those of predict.*.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.command import run_command
from engine.experiment import ExperimentOptions

if TYPE_CHECKING:
    from engine.distributed import Processes
    from engine.stop_request import StopRequest


def measure(options: ExperimentOptions, command: str, processes: "Processes", stop: "StopRequest") -> None:
    """Measure and print a table."""
    from tools.study.precision_drift import drift_table, measure_precision_drift

    threshold, drifts = measure_precision_drift(options, processes, stop)
    if processes.is_first:
        print(f"{options.predict.split} split, decisions at threshold {threshold:.4f}, Δ against float32:")
        print(drift_table(drifts))


if __name__ == "__main__":
    run_command("Compare a checkpoint's decisions in float32 with those in narrower precisions.", measure)
