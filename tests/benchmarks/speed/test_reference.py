from pathlib import Path

import pytest
import torch

from benchmarks.speed import reference
from benchmarks.speed.models import ALONE, workload_options, write_weights
from benchmarks.speed.prediction import our_prediction, plain_prediction, submission
from benchmarks.speed.reference import PlainItems
from benchmarks.speed.settings import TINY
from benchmarks.speed.submissions import compare_submissions
from benchmarks.speed.workload import WorkloadSize, write_workload
from engine.predictor import run_prediction, split_to_predict
from engine.verifier import Verifier
from models.item_encoder import ItemBranch, ItemFeatures


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    """A workload with weights."""
    file = write_workload(tmp_path / "workload", TINY, WorkloadSize(10, 9), 0)
    write_weights(file)
    return file


def test_both_ways_give_the_same_decisions_and_margins(workload: Path) -> None:
    our_prediction(workload)()
    plain_prediction(workload)()
    checks = compare_submissions(submission(workload, "ours"), submission(workload, "plain"), 16)
    assert all(check.has_passed for check in checks)


def test_a_reference_that_adds_a_little_to_every_feature_is_found_out(
    workload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(branch: ItemBranch, items: object) -> torch.Tensor:
        features = branch.features(items)  # type: ignore[arg-type]
        return branch.project(ItemFeatures(*(each + 0.01 for each in features if each is not None)))

    monkeypatch.setattr(reference, "encode_side", changed)
    our_prediction(workload)()
    plain_prediction(workload)()
    _, margins = compare_submissions(submission(workload, "ours"), submission(workload, "plain"), 16)
    assert not margins.has_passed


def test_a_pair_that_is_encoded_with_the_wrong_item_is_found_out(
    workload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = PlainItems.batch
    monkeypatch.setattr(PlainItems, "batch", lambda self, rows: batch(self, [(row + 1) % 10 for row in rows]))
    our_prediction(workload)()
    plain_prediction(workload)()
    decisions, margins = compare_submissions(submission(workload, "ours"), submission(workload, "plain"), 16)
    assert not decisions.has_passed
    assert not margins.has_passed


def test_the_plain_way_encodes_both_items_of_every_pair_branch_by_branch(
    workload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = workload_options(workload)
    verifier = Verifier.chosen_by(options, ALONE)
    split = split_to_predict(options, verifier.preparation)
    shapes: list[tuple[int, ...]] = []
    encode = reference.encode_side

    def counted(branch: ItemBranch, items: object) -> torch.Tensor:
        shapes.append(tuple(items.token_ids.shape))  # type: ignore[attr-defined]
        return encode(branch, items)  # type: ignore[arg-type]

    monkeypatch.setattr(reference, "encode_side", counted)
    reference.predict_pair_by_pair(split, verifier.encoder, options, workload.with_name("out.jsonl"))
    assert shapes == [(len(split.pairs), 140)] * 4


def test_the_whole_command_of_the_framework_is_what_is_measured(workload: Path) -> None:
    prediction = run_prediction(workload_options(workload, f"predict.output={workload.with_name('x.jsonl')}"), ALONE)
    assert prediction is not None
    our_prediction(workload)()
    assert submission(workload, "ours").read_bytes() == prediction.file.read_bytes()
