"""The commands of `bash run.sh options`."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Option files.", no_args_is_help=True)

REFERENCE = Path(__file__).parents[1] / "options" / "REFERENCE.md"


@app.callback()
def group() -> None:
    """Option files."""


@app.command()
def reference(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; status 1 if the page is stale.")] = False,
) -> None:
    """Write the reference page of all options, options/REFERENCE.md."""
    from engine.disk import write_text
    from engine.experiment import ExperimentOptions
    from options.reference import reference_markdown

    text = reference_markdown(ExperimentOptions)
    if REFERENCE.exists() and REFERENCE.read_text(encoding="utf-8") == text:
        print(f"{REFERENCE.name} is up to date")
    elif check:
        print(f"{REFERENCE.name} is stale; run bash run.sh options reference")
        raise typer.Exit(1)
    else:
        write_text(REFERENCE, text)
        print(f"wrote {REFERENCE.name}")
