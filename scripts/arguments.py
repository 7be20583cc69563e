"""Arguments that several groups of commands have."""

import argparse
import math
from collections.abc import Mapping

import typer
from typer._click import Context
from typer.core import TyperCommand

SEEDS = 2**31
"""Seeds are below this number."""


class SeedsCommand(TyperCommand):
    """A command whose --seeds takes numbers in a row: --seeds 0 1 2."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Repeat --seeds before every number of the row, as the parser has it."""
        repeated: list[str] = []
        in_row = False
        for word, before in zip(args, ["", *args], strict=False):
            in_row = before == "--seeds" or (in_row and word.removeprefix("-").isdecimal())
            repeated += ["--seeds", word] if in_row and before != "--seeds" else [word]
        return super().parse_args(ctx, repeated)


def positive(text: str) -> float:
    """Parse a number above 0; raises typer.BadParameter for another."""
    number = finite(text)
    if number <= 0:
        raise typer.BadParameter(f"{text!r} is no number above 0")
    return number


def finite(text: str) -> float:
    """Parse a finite number; raises typer.BadParameter for another."""
    number = _number(text)
    if not math.isfinite(number):
        raise typer.BadParameter(f"{text!r} is no finite number")
    return number


def aligned(values: Mapping[str, int | float | str]) -> str:
    """Return a table of two columns: names to the left, values to the right."""
    texts = {name: _text(value) for name, value in values.items()}
    name_width = max(map(len, texts), default=0)
    value_width = max(map(len, texts.values()), default=0)
    return "\n".join(f"{name:<{name_width}}  {text:>{value_width}}" for name, text in texts.items())


def at_least_one(text: str) -> int:
    """Parse a command line argument that is a whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: it is not.
    """
    number = _whole_number(text)
    if number is None or number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return number


def seed_number(text: str) -> int:
    """Parse a command line argument that is a seed, with the bounds of the option `seed`.

    Raises:
        argparse.ArgumentTypeError: it is not.
    """
    number = _whole_number(text)
    if number is None or not 0 <= number < SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 0 and less than {SEEDS}")
    return number


def positive_number(text: str) -> float:
    """Parse a command line argument that is a finite number above 0.

    Raises:
        argparse.ArgumentTypeError: it is not.
    """
    number = _number(text)
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def finite_number(text: str) -> float:
    """Parse a command line argument that is a finite number.

    Raises:
        argparse.ArgumentTypeError: it is not.
    """
    number = _number(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no finite number")
    return number


def _whole_number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _number(text: str) -> float:
    """Return the number that a text is, not a number where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _text(value: int | float | str) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else value
