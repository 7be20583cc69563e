import errno
from pathlib import Path

import pytest

from engine.checkpoint_folder import delete_old, find_resumption, latest_checkpoint
from engine.checksums import write_checksums
from options.errors import UserError


def checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"step_{step:08d}"
    path.mkdir(parents=True)
    (path / "weights").write_text(f"of step {step}")
    write_checksums(path)
    return path


def damage(path: Path) -> None:
    (path / "weights").write_text("of ste")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_goes_on_from_the_latest_checkpoint(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9)
    latest = checkpoint(tmp_path, 10)
    assert find_resumption(tmp_path) == (latest, ())
    assert latest_checkpoint(tmp_path) == latest


@pytest.mark.parametrize("folder", ["", "missing"])
def test_without_checkpoints_a_run_starts(tmp_path: Path, folder: str) -> None:
    assert find_resumption(tmp_path / folder) == (None, ())
    assert latest_checkpoint(tmp_path / folder) is None


def test_damaged_checkpoints_are_passed_over_with_a_warning_each_and_the_last_of_them_is_set_aside(
    tmp_path: Path,
) -> None:
    whole = checkpoint(tmp_path, 1)
    for step in (2, 3):
        damage(checkpoint(tmp_path, step))
    (tmp_path / "damaged_step_00000007").mkdir()
    found, warnings = find_resumption(tmp_path)
    assert found == whole
    assert len(warnings) == 2
    assert "step_00000003/weights: is damaged or cut off" in warnings[0]
    assert names(tmp_path) == ["damaged_step_00000002", "step_00000001"]
    assert find_resumption(tmp_path) == (whole, ())


def test_a_folder_of_damaged_checkpoints_alone_is_left_as_it_is_and_refused(tmp_path: Path) -> None:
    for step in (1, 2):
        damage(checkpoint(tmp_path, step))
    before = names(tmp_path)
    with pytest.raises(UserError, match=r"no checkpoint is whole:\n.*step_00000002.*\n.*step_00000001"):
        find_resumption(tmp_path)
    assert names(tmp_path) == before


def test_the_latest_and_the_best_are_kept_and_leftovers_go(tmp_path: Path) -> None:
    steps = [checkpoint(tmp_path, step) for step in range(1, 6)]
    (tmp_path / ".writing_step_00000006").mkdir()
    delete_old(tmp_path, 2, steps[0])
    assert names(tmp_path) == ["step_00000001", "step_00000004", "step_00000005"]


def test_a_folder_that_cannot_be_read_is_an_error_and_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    checkpoint(tmp_path, 1)
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UserError, match="the checkpoints cannot be read: Permission denied"):
        find_resumption(tmp_path)
