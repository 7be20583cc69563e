"""The commands of `bash run.sh study`."""

import typer

app = typer.Typer(help="What models decide, compared and chosen.", no_args_is_help=True)
