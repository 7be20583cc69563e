"""Arguments that searching commands share."""

import argparse
from pathlib import Path

from scripts.arguments import finite_number


def threshold(text: str) -> float | str:
    """Parse calibrated, learned or a finite number; raises argparse.ArgumentTypeError for anything else."""
    if text in ("calibrated", "learned"):
        return text
    try:
        return finite_number(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither calibrated nor learned nor a finite number") from None


def add_decision_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what decides that two items are the same."""
    parser.add_argument(
        "--threshold",
        type=threshold,
        default="calibrated",
        metavar="calibrated | learned | NUMBER",
        help="that margins of the same product exceed (%(default)s)",
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="RUN_OR_CHECKPOINT",
        help="that the embeddings are of (the best of experiments/<name>, the run that embedded them)",
    )
