import json
from pathlib import Path

import numpy as np
import pytest

from engine.predictor import SIMILARITY
from options.errors import UserError
from tests.tiny_data import write_lines
from tests.tools.study.conftest import MakeRun, validation_of
from tools.study.systems import System, join_seeds, system_of

EMBEDDINGS = {"a": [0.0, 1.0], "b": [0.0, 2.0], "c": [1.0, 0.5]}
PAIRS = [("a", "b", "1"), ("b", "c", "0"), ("a", "c", "1")]
MARGINS = [2.0, 1.0, 0.5]


def write_submission(folder: Path, thresholds: list[float]) -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    pairs = [{"src_item_id": source, "tgt_item_id": target, "item_label": label} for source, target, label in PAIRS]
    lines = [
        {
            "src_item_id": source,
            "src_item_emb": json.dumps(EMBEDDINGS[source]),
            "tgt_item_id": target,
            "tgt_item_emb": json.dumps(EMBEDDINGS[target]),
            "threshold": threshold,
        }
        for (source, target, _), threshold in zip(PAIRS, thresholds, strict=True)
    ]
    (folder / "similarity.py").write_text(SIMILARITY.format(threshold_width=1))
    return write_lines(folder / "test.jsonl", lines), write_lines(folder / "pairs.jsonl", pairs)


def test_a_submission_decides_each_line_by_its_own_threshold(tmp_path: Path) -> None:
    file, pairs = write_submission(tmp_path, [1.9, 1.1, 0.4])
    found = system_of(file, pairs, "calibrated")
    assert found.predicted.tolist() == [[True, False, True]]
    assert found.same.tolist() == [True, False, True]
    assert found.pair_ids == [("a", "b"), ("b", "c"), ("a", "c")]


def test_a_submission_with_faults_or_without_its_similarity_is_refused(tmp_path: Path) -> None:
    file, pairs = write_submission(tmp_path, [1.9, 1.1, True])
    with pytest.raises(UserError, match=r"test\.jsonl:3.*study check-submission"):
        system_of(file, pairs, "calibrated")
    (tmp_path / "similarity.py").unlink()
    with pytest.raises(UserError, match="belongs beside the predictions"):
        system_of(file, pairs, "calibrated")


def test_a_submission_needs_its_pairs_and_a_run_has_its_own(tmp_path: Path, make_run: MakeRun) -> None:
    file, pairs = write_submission(tmp_path, [0.0, 0.0, 0.0])
    with pytest.raises(UserError, match="give --pairs PAIR_FILE"):
        system_of(file, None, "calibrated")
    with pytest.raises(UserError, match="is no submission file"):
        system_of(make_run(), pairs, "calibrated")


def test_a_run_is_decided_by_its_kept_scores(make_run: MakeRun) -> None:
    run = make_run()
    scores = validation_of(600, 0, 2.0)
    for threshold, number in (("learned", 0.0), ("calibrated", 0.5)):
        found = system_of(run, None, threshold)  # type: ignore[arg-type]
        assert found.predicted.tolist() == [(scores.margin > number).tolist()]
        assert found.pair_ids == scores.pair_ids
    assert system_of(run / "checkpoints/step_00000006", None, "learned").same.tolist() == scores.same.tolist()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no checkpoint and no folder of a run"):
        system_of(tmp_path / "nothing", None, "calibrated")


def decided(name: str, *predicted: bool) -> System:
    return System(name, [("a", "b"), ("b", "c")], np.array([True, False]), np.array([predicted]))


def test_runs_that_differ_by_their_seed_are_one_system_where_the_first_of_them_stood() -> None:
    runs = [decided("x-seed0", True, False), decided("y", True, True), decided("x-seed12", False, False)]
    joined = join_seeds([*runs, decided("z-seed1", False, True)])
    assert [system.name for system in joined] == ["x", "y", "z-seed1"]
    assert joined[0].predicted.tolist() == [[True, False], [False, False]]
    assert joined[0].same.tolist() == [True, False]


def test_runs_of_seeds_that_cannot_be_one_system_are_refused() -> None:
    first = decided("x-seed0", True, False)
    with pytest.raises(UserError, match="x: one of its runs is named twice"):
        join_seeds([first, decided("x-seed0", True, False)])
    other = System("x-seed1", [("a", "b"), ("b", "d")], first.same, first.predicted)
    with pytest.raises(UserError, match="x-seed1: was scored on other pairs than x-seed0: pair 2"):
        join_seeds([first, other])
