import os
import subprocess
import sys
from pathlib import Path

GROUP = """
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("slow to make")


@pytest.mark.parametrize("number", range(8))
def test_number(number):
    Path(os.environ["PYTEST_XDIST_WORKER"]).touch()
"""


def test_tests_of_a_group_run_in_one_process_which_makes_once_what_they_share(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(GROUP)
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "--numprocesses=2", "--dist=loadgroup"]
    # Other plugins take seconds to import in each of the three processes.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert len(list(tmp_path.glob("gw*"))) == 1
