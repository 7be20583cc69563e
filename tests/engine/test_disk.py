import errno
import fcntl
import json
import multiprocessing
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from safetensors import SafetensorError

from engine.disk import (
    one_at_a_time,
    read_json,
    refuse_existing,
    sole_user,
    whole_file,
    whole_folder,
    whole_path,
    write_json,
    write_text,
    writing,
)
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


@dataclass(frozen=True)
class Record:
    number: int


def test_a_record_is_read_as_it_was_written_and_none_where_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"number": 3}', encoding="utf-8")
    assert read_json(tmp_path / "a.json", Record, "") == Record(3)
    assert read_json(tmp_path / "b.json", Record, "") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"number": "three"}', "{}"])
def test_a_damaged_record_is_told_with_its_file_and_the_advice(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.json: is damaged: .*; make it again$"):
        read_json(file, Record, "make it again")


@dataclass(frozen=True)
class Threshold:
    threshold: float
    thresholds: Mapping[str, tuple[float, ...]]
    number: int | None = None


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "1e999", "true", '"0.1"', "null", "[1]", "9" * 400])
def test_nothing_else_is_taken_for_a_number_and_the_key_is_named(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(f'{{"threshold": {wrong}, "thresholds": {{}}}}', encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.json: is damaged: threshold Input should be a valid number"):
        read_json(file, Threshold)
    file.write_text(f'{{"threshold": 1, "thresholds": {{"花瓶": [1.5, {wrong}]}}}}', encoding="utf-8")
    with pytest.raises(UserError, match=r"thresholds\.花瓶\[1\] Input should be a valid number"):
        read_json(file, Threshold)


@pytest.mark.parametrize("wrong", ["true", "1.0", '"1"', "9223372036854775808", "9" * 5000, "-" + "9" * 400])
def test_nothing_else_is_taken_for_a_whole_number(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(f'{{"threshold": 1, "thresholds": {{}}, "number": {wrong}}}', encoding="utf-8")
    with pytest.raises(UserError, match=r"number Input should be a valid integer"):
        read_json(file, Threshold)


@pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000, b'{"threshold": "\\ud800"}', b"\xef\xbb\xbf{}", b"1 2"])
def test_what_is_no_json_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.json: is damaged: "):
        read_json(tmp_path / "a.json", Threshold)


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, -0.0, 5e-324, sys.float_info.max, 2.0**60, -3]
    (tmp_path / "a.json").write_text(json.dumps({"threshold": 2, "thresholds": {"a": numbers}, "number": -(2**62)}))
    found = read_json(tmp_path / "a.json", Threshold)
    assert found is not None
    assert list(map(str, found.thresholds["a"])) == list(map(str, map(float, numbers)))
    assert (found.threshold, found.number) == (2.0, -(2**62))


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o007])
def test_what_is_written_may_be_read_by_whoever_may_read_new_files(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with whole_path(tmp_path / "a") as file:
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
            file.chmod(0o600)
        with whole_folder(tmp_path / "b") as folder:
            os.close(os.open(folder / "c", os.O_WRONLY | os.O_CREAT, 0o600))
            (folder / "inner").mkdir(0o700)
        write_text(tmp_path / "d", "text")
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "b/c", "d", "b/inner")}
    assert modes == {"a": 0o666 & ~umask, "b/c": 0o666 & ~umask, "d": 0o666 & ~umask, "b/inner": 0o700 & ~umask}
    assert [file.name for file in (tmp_path / "b").iterdir()].count("file") == 0


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_json(tmp_path, Record, "")


ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from engine.disk import sole_user
with sole_user(Path(sys.argv[1]), "trains"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(lock: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_user_is_refused_with_the_process_that_is_there_until_that_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "run" / ".lock"
    first = holder(lock)
    with pytest.raises(UserError, match=f"run: process {first.pid} trains here already"), sole_user(lock, "trains"):
        pass
    first.kill()
    first.wait()
    with sole_user(lock, "trains"):
        pass


def test_loader_processes_do_not_take_the_lock_over(tmp_path: Path) -> None:
    with sole_user(tmp_path / ".lock", "trains"):
        child = multiprocessing.get_context("fork").Process(target=sys.stdin.read, daemon=True)
        child.start()
    second = holder(tmp_path / ".lock")
    second.kill()
    second.wait()
    child.kill()
    child.join()


@pytest.mark.parametrize("lock", [one_at_a_time, partial(sole_user, what="trains")], ids=["waiting", "alone"])
def test_a_file_system_without_locks_is_named(
    lock: Callable[[Path], AbstractContextManager[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", without_locks)
    with pytest.raises(UserError, match=r"\.lock: .*[Nn]o locks"), lock(tmp_path / ".lock"):
        pass


def test_a_file_is_written_with_its_folder_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a/b/c.txt"
    for text in ("花瓶\n", "杯"):
        write_text(file, text)
        assert file.read_text(encoding="utf-8") == text
    assert [path.name for path in file.parent.iterdir()] == ["c.txt"]


def test_a_failed_write_leaves_the_former_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "c.txt"
    write_text(file, "former")
    with pytest.raises(UnicodeEncodeError):
        write_text(file, "half a character: \ud83d")
    assert file.read_text() == "former"
    write_text(file, "later")
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]


def test_json_is_readable_by_people_and_programs(tmp_path: Path) -> None:
    content = {"f1": 0.1 + 0.2, "items": ["花瓶"], "none": None}
    write_json(tmp_path / "c.json", content)
    text = (tmp_path / "c.json").read_text(encoding="utf-8")
    assert json.loads(text) == content
    assert "花瓶" in text
    assert text.endswith("}\n")


def test_json_that_cannot_be_written_leaves_the_former_file_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "c.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "c.json", {"a": object()})
    assert json.loads((tmp_path / "c.json").read_text()) == {"a": 1}


def test_a_folder_is_there_whole_or_as_it_was_before(tmp_path: Path) -> None:
    folder, former = tmp_path / "a", tmp_path / "former"
    (tmp_path / ".writing_a").mkdir()
    (tmp_path / ".writing_a" / "half").touch()
    with whole_folder(folder) as temporary:
        write_text(temporary / "file", "first")
        assert not folder.exists()
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("file", "first")]
    with pytest.raises(UserError, match="a: cannot be written: No space left"), whole_folder(folder, former):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    with whole_folder(folder, former) as temporary:
        write_text(temporary / "file", "second")
    assert [(path / "file").read_text() for path in (folder, former)] == ["second", "first"]


def test_a_folder_that_is_in_the_way_stays(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "file", "first")
    with (
        pytest.raises(UserError, match="a: cannot be written: Directory not empty"),
        whole_folder(tmp_path / "a") as temporary,
    ):
        write_text(temporary / "file", "second")
    assert (tmp_path / "a" / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_exists_already_is_refused(tmp_path: Path) -> None:
    refuse_existing(tmp_path / "new")
    with pytest.raises(UserError, match="exists already; remove it or name another"):
        refuse_existing(tmp_path)
