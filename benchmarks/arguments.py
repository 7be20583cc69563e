"""Numbers of the command lines, for argparse."""

import argparse
import math

SEEDS = 2**31
"""Seeds are below this number, as the option `seed` is."""


def at_least_one(text: str) -> int:
    """Parse a whole number of at least 1; raises ArgumentTypeError where it is none."""
    number = _whole_number(text)
    if number is None or number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return number


def seed_number(text: str) -> int:
    """Parse a seed, with the bounds of the option `seed`; raises ArgumentTypeError where it is none."""
    number = _whole_number(text)
    if number is None or not 0 <= number < SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 0 and less than {SEEDS}")
    return number


def positive_number(text: str) -> float:
    """Parse a finite number above 0; raises ArgumentTypeError where it is none."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _whole_number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
