"""The commands of `bash run.sh data`."""

import typer

app = typer.Typer(help="Items, pairs and pictures, made ready for training.", no_args_is_help=True)
