import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "tests.endurance"]


def test_help_says_what_each_trial_proves() -> None:
    output = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for trial in ("kills", "disks", "checkpoints", "images", "pairs", "audit", "milvus"):
        assert f"\n{trial} " in output


def test_an_unknown_trial_is_refused() -> None:
    process = subprocess.run([*COMMAND, "--only", "floods"], capture_output=True, text=True)
    assert process.returncode == 2
    assert "floods" in process.stderr


def test_a_folder_with_something_in_it_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    process = subprocess.run([*COMMAND, "--work", str(tmp_path)], capture_output=True, text=True)
    assert process.returncode == 2
    assert "has something in it" in process.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["precious.txt"]
