import errno
import json
import shutil
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


def copy(source: Path, name: str, step: int) -> Path:
    """A copy, made by the user, of the checkpoint of a step."""
    (source / "state.json").write_text(json.dumps({"step": step}))
    write_checksums(source)
    return shutil.copytree(source, source.with_name(name))


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


@pytest.mark.parametrize(
    "name",
    [
        "step_00001400", "step_00001400_backup", "step_old", "step_", "step_-0000700", "step_700",
        "step_００００１４００", "step_0000000700", "damaged_step_00001400_kept",
    ],
)  # fmt: skip
def test_a_copy_under_another_name_is_neither_a_checkpoint_nor_deleted(tmp_path: Path, name: str) -> None:
    own = checkpoint(tmp_path, 700)
    strange = copy(own, name, 700)
    assert latest_checkpoint(tmp_path) == own
    assert find_resumption(tmp_path).checkpoint == own
    damage(checkpoint(tmp_path, 750))
    find_resumption(tmp_path)  # sets that aside
    latest = checkpoint(tmp_path, 800)
    delete_old(tmp_path, 1, latest)
    assert names(tmp_path) == sorted(["damaged_step_00000750", strange.name, "step_00000800"])


@pytest.mark.parametrize("content", [None, "notes.txt"])
def test_a_folder_without_files_of_ours_is_no_checkpoint(tmp_path: Path, content: str | None) -> None:
    own, strange = checkpoint(tmp_path, 700), tmp_path / "step_00009999"
    strange.mkdir()
    if content is not None:
        (strange / content).touch()
    assert latest_checkpoint(tmp_path) == own
    checkpoint_found, (warning,) = find_resumption(tmp_path)
    assert checkpoint_found == own
    assert warning == f"{strange}: holds no checkpoint of that step, and is passed over"


def test_steps_of_more_digits_come_after_those_of_fewer(tmp_path: Path) -> None:
    checkpoint(tmp_path, 99_999_999)
    latest = checkpoint(tmp_path, 100_000_000)
    assert latest_checkpoint(tmp_path) == latest


def test_what_was_just_written_is_kept_beside_a_later_checkpoint(tmp_path: Path) -> None:
    written = [checkpoint(tmp_path, step) for step in (1, 2, 3)]
    delete_old(tmp_path, 1, written[1])
    assert names(tmp_path) == ["step_00000002", "step_00000003"]


def test_a_folder_that_cannot_be_read_is_an_error_and_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    checkpoint(tmp_path, 1)
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UserError, match="the checkpoints cannot be read: Permission denied"):
        find_resumption(tmp_path)
