"""The commands of `bash run.sh catalogue`."""

import typer

app = typer.Typer(help="A whole catalogue, embedded and searched.", no_args_is_help=True)
