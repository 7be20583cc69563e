import errno
from pathlib import Path

import pytest
from safetensors import SafetensorError

from engine.disk import refuse_existing, whole_file, whole_folder, writing
from options.errors import UserError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "I/O error: No space left"),
    ],
)
def test_a_fault_of_the_disk_names_the_file_and_the_reason(error: Exception, reason: str) -> None:
    with pytest.raises(UserError) as caught, writing(Path("runs/a.json")):
        raise error
    assert f"runs/a.json: cannot be written: {reason}" in str(caught.value)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(ZeroDivisionError), writing(Path("a")):
        raise ZeroDivisionError


def write_and_fail(file: Path, error: BaseException) -> None:
    with whole_file(file) as stream:
        stream.write("second")
        raise error


def test_a_file_is_there_whole_or_as_it_was_before(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "a.txt"
    with whole_file(file) as stream:
        stream.write("first")
        assert not file.exists()
    assert file.read_text() == "first"
    for error in (OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()):
        with pytest.raises((UserError, KeyboardInterrupt)):
            write_and_fail(file, error)
        assert file.read_text() == "first"
        assert list(file.parent.iterdir()) == [file]


def test_a_file_that_a_killed_process_left_half_written_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".a.txt.writing").write_text("half")
    with whole_file(tmp_path / "a.txt") as stream:
        stream.write("whole")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "whole")]


@pytest.mark.parametrize("name", [".", "file/a.txt"])
def test_what_cannot_be_a_file_is_refused_before_any_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"), whole_file(tmp_path / name):
        pytest.fail("the work was begun")


def test_a_fault_of_another_file_is_not_laid_at_this_ones_door(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a.txt"):
        Path("/nowhere/at/all").read_text()
    with pytest.raises(BrokenPipeError), writing(tmp_path / "a.txt"):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "place" / "new"
    (tmp_path / "place/.writing_new").mkdir(parents=True)  # as a killed process left it
    (tmp_path / "place/.writing_new/b.txt").write_text("half")
    with pytest.raises(ZeroDivisionError), whole_folder(folder) as temporary:
        (temporary / "a.txt").write_text(f"half {1 // 0}")
    assert not list(folder.parent.iterdir())
    with whole_folder(folder) as temporary:
        (temporary / "a.txt").write_text("whole")
        assert not folder.exists()
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("a.txt", "whole")]
    assert list(folder.parent.iterdir()) == [folder]
    with pytest.raises(UserError, match="new: exists already; remove it or name another"):
        refuse_existing(folder)
