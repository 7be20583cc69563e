import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
NETWORK = ROOT / "tests/assets/published/network.pth"


def run(folder: Path, script: str, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, str(ROOT / "scripts" / script), *arguments]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    return finished.returncode, finished.stdout, finished.stderr


def test_the_two_commands_undo_each_other(tmp_path: Path) -> None:
    status, stdout, _ = run(tmp_path, "import_published.py", str(NETWORK), "checkpoint", "--image-library=transformers")
    assert (status, stdout) == (0, "checkpoint: 374 tensors\n")
    status, stdout, _ = run(tmp_path, "export_published.py", "checkpoint", "back.pth")
    assert (status, stdout) == (0, "back.pth: 392 tensors\n")
    original, back = (torch.load(file, weights_only=True)["params"] for file in (NETWORK, tmp_path / "back.pth"))
    assert original.keys() == back.keys()
    assert all(torch.equal(original[name], back[name]) for name in original)


def test_a_missing_file_is_one_message_and_status_2(tmp_path: Path) -> None:
    for script, arguments in (("import_published.py", ("no.pth", "out")), ("export_published.py", ("no", "out.pth"))):
        status, _, stderr = run(tmp_path, script, *arguments)
        assert status == 2
        assert stderr.startswith("error: no")
        assert "no such checkpoint file" in stderr
        assert "Traceback" not in stderr
