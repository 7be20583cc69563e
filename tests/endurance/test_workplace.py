import time
from pathlib import Path

import pytest

from tests.endurance.workplace import Workplace


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


def test_a_command_runs_in_the_folder_and_its_output_is_kept(place: Workplace, tmp_path: Path) -> None:
    (tmp_path / "say.py").write_text("import os, sys; print(os.getcwd(), *sys.argv[1:]); sys.exit(3)")
    command = place.start([tmp_path / "say.py", "word"])
    assert command.finish() == (3, f"{tmp_path} word\n")
    assert command.last_words() == f"{tmp_path} word"


def test_the_most_memory_of_a_command_is_measured(place: Workplace, tmp_path: Path) -> None:
    (tmp_path / "take.py").write_text("taken = b'x' * (300 << 20); import time; time.sleep(0.3)")
    status, peak = place.start([tmp_path / "take.py"]).finish_measured()
    assert status == 0
    assert 300 << 20 < peak < 600 << 20


def test_closing_ends_what_still_runs(place: Workplace, tmp_path: Path) -> None:
    (tmp_path / "sleep.py").write_text("import time; print(flush=True); time.sleep(60)")
    command = place.start([tmp_path / "sleep.py"])
    started = time.monotonic()
    # The mark of a process that is just being started may not be seen yet.
    while not next((tmp_path / "output").iterdir()).read_bytes() and time.monotonic() - started < 60:
        time.sleep(0.01)
    started = time.monotonic()
    place.close()
    assert command.process.wait() == -9
    assert time.monotonic() - started < 20


def test_jobs_in_lanes_give_their_results_in_order_and_raise(place: Workplace) -> None:
    assert place.in_lanes([lambda: 1, lambda: 2, lambda: 3]) == [1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        place.in_lanes([lambda: 1 // 0])


def test_a_command_that_hangs_is_killed(place: Workplace, tmp_path: Path) -> None:
    (tmp_path / "hang.py").write_text("import time; print('here', flush=True); time.sleep(60)")
    assert place.start([tmp_path / "hang.py"]).finish(patience=2) == (-9, "here\n")
