"""Arguments that several groups of commands have."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click import Context
from typer.core import TyperCommand

if TYPE_CHECKING:
    from engine.decision_rule import ThresholdChoice

SEEDS = 2**31
"""Seeds are below this number."""

OptionFile = Annotated[Path, typer.Argument(help="YAML file, such as options/demo.yml.")]
OwnOptions = Annotated[
    Path | None, typer.Option(metavar="OPTION_FILE", help="For a checkpoint without options, a .pth.")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="section.key=value", help="An option in place of the file's.")
]

Embeddings = Annotated[Path, typer.Argument(metavar="EMBEDDINGS", help="Folder that `catalogue embed` wrote.")]
Index = Annotated[Path, typer.Argument(metavar="INDEX", help="Folder that `catalogue index` wrote.")]
Threshold = Annotated[
    str, typer.Option(metavar="calibrated | learned | NUMBER", help="That margins of the same product exceed.")
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        metavar="RUN_OR_CHECKPOINT",
        help="That the embeddings are of (the best of experiments/<name>, the run that embedded them).",
    ),
]

Replicates = Annotated[int, typer.Option(min=1, help="Draws of the bootstrap.")]
Check = Annotated[bool, typer.Option("--check", hidden=True, help="Check the arguments alone, for engine.launch.")]


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
    """Parse a finite number above 0; raises typer.BadParameter, or ValueError, for anything else."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise typer.BadParameter(f"{text!r} is no number above 0")
    return number


def chosen_threshold(threshold: str) -> "ThresholdChoice":
    """Return calibrated, learned or the finite number that a text is; raises typer.BadParameter for anything else."""
    if threshold in ("calibrated", "learned"):
        return "learned" if threshold == "learned" else "calibrated"
    try:
        number = float(threshold)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        fault = f"{threshold!r} is neither calibrated nor learned nor a finite number"
        raise typer.BadParameter(fault, param_hint="--threshold")
    return number
