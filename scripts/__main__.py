"""All commands beside training and prediction: bash run.sh GROUP COMMAND, or python -m scripts GROUP COMMAND."""

from typing import Annotated

import typer
from typer.core import TyperGroup

from options.errors import exit_on_user_error
from options.table import aligned_rows
from scripts import catalogue, data, exchange, options, study, view

HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
app.add_typer(data.app, name="data", context_settings=HELP)
app.add_typer(study.app, name="study", context_settings=HELP)
app.add_typer(catalogue.app, name="catalogue", context_settings=HELP)
app.add_typer(view.app, name="view", context_settings=HELP)
app.add_typer(exchange.app, name="exchange", context_settings=HELP)
app.add_typer(options.app, name="options", context_settings=HELP)


@app.callback(invoke_without_command=True, context_settings={"help_option_names": []})
def show_all(context: typer.Context, ask: Annotated[bool, typer.Option("-h", "--help")] = False) -> None:
    """Show all commands where none is named."""
    if ask or context.invoked_subcommand is None:
        assert isinstance(context.command, TyperGroup)
        print(command_table(context.command))
        raise typer.Exit


def command_table(root: TyperGroup) -> str:
    """Return a line for every command of every group."""
    parts = ["bash run.sh GROUP COMMAND [ARGUMENT ...]      (bash run.sh GROUP COMMAND --help says more)"]
    for name, group in root.commands.items():
        assert isinstance(group, TyperGroup)
        rows = [(f"  {name} {command}", found.get_short_help_str(200)) for command, found in group.commands.items()]
        parts.append(f"{group.get_short_help_str(200)}\n{aligned_rows(rows, left=(0, 1))}")
    return "\n\n".join(parts)


@exit_on_user_error()
def main() -> None:
    """Run the command of sys.argv; a fault that the user can mend ends it with status 2."""
    app(prog_name="run.sh")


if __name__ == "__main__":
    main()
