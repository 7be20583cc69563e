import subprocess
import sys
from pathlib import Path

import pytest

from tests.endurance.small_disk import MEBIBYTE, can_mount, obeying_permissions, small_disk

needs_mounting = pytest.mark.skipif(not can_mount(), reason="mounting is not permitted")


@needs_mounting
def test_a_small_disk_fills_up_until_it_is_made_larger(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", MEBIBYTE) as disk:
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "file").write_bytes(bytes(2 * MEBIBYTE))
        disk.resize(4 * MEBIBYTE)
        (disk.folder / "file").write_bytes(bytes(2 * MEBIBYTE))
    assert not (tmp_path / "disk" / "file").exists()


@needs_mounting
def test_writing_is_forbidden_once_no_file_is_open_for_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", MEBIBYTE) as disk:
        with (disk.folder / "file").open("w"):
            assert not disk.forbid_writing()
        assert disk.forbid_writing()
        with pytest.raises(OSError, match="Read-only"):
            (disk.folder / "other").touch()
        disk.allow_writing()
        (disk.folder / "other").touch()


def test_permissions_hold_for_a_command_even_of_root(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    write = f"from pathlib import Path; Path({str(closed)!r}, 'file').touch()"
    process = subprocess.run([*obeying_permissions(), sys.executable, "-c", write], capture_output=True, text=True)
    assert "PermissionError" in process.stderr
