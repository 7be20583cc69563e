from pathlib import Path

import pytest

from tools.study.similarity_process import SimilarityError, similarity_process


def test_a_similarity_may_print_more_than_a_pipe_holds(tmp_path: Path) -> None:
    file = tmp_path / "similarity.py"
    file.write_text("def compute(a, b):\n    print('x' * 200_000, flush=True)\n    return a[0] * b[0]\n")
    with similarity_process(file, time_limit=20.0) as compute:
        assert [compute([2.0], [3.0]), compute([1.0], [0.5])] == [6.0, 0.5]


def test_the_last_line_says_why_a_similarity_failed(tmp_path: Path) -> None:
    file = tmp_path / "similarity.py"
    file.write_text("def compute(a, b):\n    print('x' * 200_000)\n    raise KeyError('which')\n")
    with similarity_process(file) as compute, pytest.raises(SimilarityError, match=r"^KeyError: 'which'$"):
        compute([2.0], [3.0])
