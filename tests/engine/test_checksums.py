import subprocess
from pathlib import Path

import pytest

from engine.checksums import SUMS, DamagedError, check_files, write_checksums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights").write_bytes(bytes(range(256)) * 1000)
    (tmp_path / "state.json").write_text("{}")
    write_checksums(tmp_path)
    return tmp_path


def test_files_as_they_were_written_pass_here_and_by_sha256sum(folder: Path) -> None:
    check_files(folder)
    assert (
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=folder, check=False).returncode == 0
    )


@pytest.mark.parametrize("name", ["weights", "state.json", SUMS])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_any_flipped_bit_is_found(folder: Path, name: str, place: float) -> None:
    content = bytearray((folder / name).read_bytes())
    content[int(place * (len(content) - 1))] ^= 4
    (folder / name).write_bytes(content)
    with pytest.raises(DamagedError):
        check_files(folder)


@pytest.mark.parametrize("name", ["weights", "state.json", SUMS])
@pytest.mark.parametrize("left", [0, 1, -1])
def test_any_cut_is_found(folder: Path, name: str, left: int) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:left])
    if (name, left) == (SUMS, -1):  # without its last line end it says the same
        check_files(folder)
    else:
        with pytest.raises(DamagedError):
            check_files(folder)


@pytest.mark.parametrize("name", ["weights", "state.json", SUMS])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DamagedError, match=f"{name}: is missing"):
        check_files(folder)


def test_with_names_only_these_are_looked_at(folder: Path) -> None:
    (folder / "weights").unlink()
    check_files(folder, {"state.json"})
    with pytest.raises(DamagedError):
        check_files(folder, {"weights"})


def test_sums_that_were_cut_off_after_a_whole_line_are_damaged(folder: Path) -> None:
    lines = (folder / SUMS).read_text().splitlines(keepends=True)
    for left in range(len(lines)):
        (folder / SUMS).write_text("".join(lines[:left]))
        with pytest.raises(DamagedError, match=r"is damaged or cut off: it lacks"):
            check_files(folder)
