"""The commands of `bash run.sh view`."""

import typer

app = typer.Typer(help="Runs and pairs to look at.", no_args_is_help=True)
