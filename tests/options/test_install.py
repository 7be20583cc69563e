import subprocess
import sys

import pytest

from options.install import install_command


def test_what_is_installed_goes_to_the_python_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    help_text = subprocess.run(install_command("--help"), shell=True, capture_output=True, text=True, check=True).stdout
    assert "pip install" in help_text
    assert install_command("-r requirements.txt") == f"{sys.executable} -m pip install -r requirements.txt"
    monkeypatch.setattr(sys, "executable", "/my tools/python")
    assert install_command("wandb") == "'/my tools/python' -m pip install wandb"
