from hashlib import sha256
from pathlib import Path

from tests.endurance.run_files import checkpoint_faults, course, half_written, opening_steps


def test_the_log_says_at_which_step_each_start_began(tmp_path: Path) -> None:
    assert opening_steps(tmp_path) == []
    (tmp_path / "train.log").write_text(
        "2026-01-01 00:00:00 demo starts at step 0 of 60: 0.6 M parameters\n"
        "2026-01-01 00:00:01 step 5/60  loss 1\n"
        "2026-01-01 00:00:02 demo goes on from experiments/demo/checkpoints/step_00000007 at step 7 of 60: 0.6 M\n"
    )
    assert opening_steps(tmp_path) == [0, 7]


def test_the_course_leaves_out_the_clock_and_a_line_that_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 5, "loss": 1.5, "pairs_per_second": 3.0}\n{"step": 1')
    assert course(tmp_path) == [{"step": 5, "loss": 1.5}]


def test_a_checkpoint_that_is_being_written_is_told_from_an_older_leftover(tmp_path: Path) -> None:
    leftover = tmp_path / "checkpoints" / ".writing_step_00000007"
    leftover.mkdir(parents=True)
    before = half_written(tmp_path)
    assert len(before) == 1
    (tmp_path / "checkpoints" / ".writing_step_00000014").mkdir()
    assert len(half_written(tmp_path) - before) == 1


def test_files_that_are_not_what_their_sums_say_are_named(tmp_path: Path) -> None:
    assert checkpoint_faults(tmp_path) == [f"{tmp_path.name} has no SHA256SUMS"]
    (tmp_path / "whole").write_bytes(b"whole")
    (tmp_path / "damaged").write_bytes(b"damaged")
    sums = [f"{sha256(name).hexdigest()}  {name.decode()}\n" for name in (b"whole", b"damaged", b"missing")]
    (tmp_path / "SHA256SUMS").write_text("".join(sums))
    (tmp_path / "damaged").write_bytes(b"otherwise")
    faults = checkpoint_faults(tmp_path)
    assert [fault.split()[0].partition("/")[2] for fault in faults] == ["damaged", "missing"]
