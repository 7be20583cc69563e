import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import run_command

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_all_of_them_are_listed_each_with_its_line(arguments: list[str]) -> None:
    ended = run_command(*arguments)
    assert ended.status == 0
    lines = ended.stdout.splitlines()
    assert "  options reference  Write the reference page of all options, options/REFERENCE.md." in lines
    assert not [line for line in lines if line.endswith("...")]


@pytest.mark.parametrize(
    ("arguments", "meant"), [(["optoins"], "options"), (["options", "refrence"], "reference")], ids=lambda a: str(a)
)
def test_a_wrong_name_is_answered_with_the_nearest_one(arguments: list[str], meant: str) -> None:
    ended = run_command(*arguments)
    assert ended.status == 2
    assert f"Did you mean '{meant}'?" in ended.stderr


def test_the_table_and_the_help_of_a_command_import_no_torch() -> None:
    code = (
        "import sys; from tests.command_line import run_command;"
        "run_command(); run_command('study', 'calibrate', '-h');"
        "sys.exit(bool({'torch', 'transformers', 'numpy', 'matplotlib'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_run_sh_passes_arguments_and_exit_status_on() -> None:
    command = ["bash", str(ROOT / "run.sh"), "options", "reference"]
    assert subprocess.run([*command, "--check"], capture_output=True, text=True, check=True).stdout.endswith(
        "to date\n"
    )
    assert subprocess.run([*command, "--chek"], capture_output=True, check=False).returncode == 2
