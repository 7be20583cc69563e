import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.speed.reference import plain_line
from benchmarks.speed.submissions import compare_submissions, middle_gap, submission_margins

EMBEDDINGS = np.random.default_rng(0).standard_normal((13, 4))


def write(file: Path, embeddings: np.ndarray) -> Path:
    pairs = [(number, number + 1) for number in range(12)]
    lines = [plain_line(f"{a}", embeddings[a].tolist(), f"{b}", embeddings[b].tolist(), 0.0) for a, b in pairs]
    file.write_text("".join(lines))
    return file


def test_margins_are_match_minus_threshold(tmp_path: Path) -> None:
    margins = submission_margins(write(tmp_path / "a", EMBEDDINGS), 1)
    a, b = EMBEDDINGS[:2]
    assert margins[0] == pytest.approx(a[1:] @ b[1:] - a[0] * b[0])


def test_equal_files_pass_and_changed_ones_do_not(tmp_path: Path) -> None:
    first = write(tmp_path / "a", EMBEDDINGS)
    assert all(check.has_passed for check in compare_submissions(first, write(tmp_path / "b", EMBEDDINGS), 2))
    slightly = write(tmp_path / "c", EMBEDDINGS * 1.001)
    assert [check.has_passed for check in compare_submissions(slightly, first, 2)] == [True, False]
    other = write(tmp_path / "d", EMBEDDINGS[::-1])
    assert not any(check.has_passed for check in compare_submissions(other, first, 2))


def test_files_of_other_pairs_are_refused(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a", EMBEDDINGS), tmp_path / "b"
    second.write_text(first.read_text().splitlines()[0] + "\n")
    with pytest.raises(ValueError, match="12 lines"):
        compare_submissions(first, second, 2)


def test_decisions_are_made_in_the_widest_gap_of_the_middle() -> None:
    assert middle_gap(np.array([0.0, 10, 11, 15, 16, 100])) == 13.0
    assert json.dumps(middle_gap(np.array([3.0]))) == "2.0"
