"""The commands of `bash run.sh exchange`."""

import typer

app = typer.Typer(help="Models to and from other programs.", no_args_is_help=True)
