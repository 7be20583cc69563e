import os
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "scripts/setup.sh"
SYSTEM_PYTHON = """#!/bin/sh
case "$*" in
    scripts/missing_requirements.py*) exit 1 ;;
    "-m venv .venv") touch has_pip; exit $VENV_STATUS ;;
esac
"""
OWN_PYTHON = """#!/bin/sh
case "$*" in
    scripts/missing_requirements.py*) [ -e installed ] ;;
    "-m pip --version") [ -e has_pip ] ;;
    "-m pip install"*) touch installed ;;
esac
"""


def set_up(folder: Path, venv_status: int) -> "subprocess.CompletedProcess[str]":
    """Set up in a folder whose .venv has Python but no pip."""
    for file, text in ((folder / "bin/python3", SYSTEM_PYTHON), (folder / ".venv/bin/python", OWN_PYTHON)):
        file.parent.mkdir(parents=True)
        file.write_text(text)
        file.chmod(0o755)
    return subprocess.run(
        ["bash", "-c", f'set -euo pipefail; source "{SETUP}" requirements.txt; echo "takes $PYTHON"'],
        cwd=folder,
        env={"PATH": f"{folder}/bin:{os.environ['PATH']}", "VENV_STATUS": str(venv_status)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_environment_that_was_not_finished_is_finished_by_the_next_start(tmp_path: Path) -> None:
    ended = set_up(tmp_path, venv_status=0)
    assert ended.returncode == 0
    assert ended.stderr.splitlines()[-1] == "Set up: .venv; for other commands: source .venv/bin/activate"
    assert ended.stdout == "takes .venv/bin/python\n"


@pytest.mark.parametrize("status", [1, 2])
def test_an_environment_that_cannot_be_made_is_told_with_what_to_install(tmp_path: Path, status: int) -> None:
    ended = set_up(tmp_path, venv_status=status)
    assert ended.returncode == 2
    assert "install python3-venv, then run this again" in ended.stderr
    assert not (tmp_path / "installed").exists()
