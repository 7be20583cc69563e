"""Check a submission file and the similarity.py beside it against the pair file that it answers.

Exit status: 0 it passes, 1 it has faults, 2 a file is missing or malformed.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from scripts.arguments import aligned
from tools.study.submission.check import SubmissionReport, check_submission


def summary(report: SubmissionReport) -> str:
    """Return the report as an aligned table, with the first place of every kind of fault."""
    table: dict[str, int | float | str] = {
        "lines judged": report.num_lines,
        "decided as the same product": report.num_positives,
    }
    if report.metrics is not None:
        table |= {
            "F1": report.metrics.f1,
            "precision": report.metrics.precision,
            "recall": report.metrics.recall,
            "accuracy": report.metrics.accuracy,
        }
    lines = [aligned(table)]
    lines += [
        f"fault: {count:,} {kind}; the first: {report.faults.first[kind]}"
        for kind, count in report.faults.counts.items()
    ]
    return "\n".join([*lines, "FAIL" if report.faults else "PASS"])


@exit_on_user_error()
def main() -> None:
    """Parse the command line, check, print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", type=Path, help="submission file, with similarity.py in its folder")
    parser.add_argument("pairs", type=Path, help="pair file")
    parser.add_argument("--labels", action="store_true", help="measure against the labels of the pair file")
    parser.add_argument(
        "--threshold-width",
        type=int,
        help="numbers of the threshold half (half of all; 0 for a model without a threshold branch)",
    )
    arguments = parser.parse_args()
    report = check_submission(
        arguments.predictions,
        arguments.pairs,
        labelled=arguments.labels,
        threshold_width=arguments.threshold_width,
    )
    print(summary(report))
    raise SystemExit(1 if report.faults else 0)


if __name__ == "__main__":
    main()
