import json

import numpy as np
import pytest
import torch

from engine.distributed import Processes
from engine.predictor import run_prediction
from engine.trainer import run_training
from tests.command_line import run_command
from tests.engine.conftest import MakeOptions
from tools.study.precision_drift import PrecisionDrift, drift_lines, measure_precision_drift

ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))


@pytest.fixture
def trained(make_options: MakeOptions) -> None:
    run_training(make_options("log.tensorboard=false"), "", ALONE)


def margins(make_options: MakeOptions, precision: str) -> np.ndarray:
    """Margins of the submission file, computed from its text."""
    prediction = run_prediction(make_options(f"predict.precision={precision}"), ALONE)
    assert prediction is not None
    found = []
    for line in map(json.loads, prediction.file.read_text(encoding="utf-8").splitlines()):
        source, target = (np.array(json.loads(line[side])) for side in ("src_item_emb", "tgt_item_emb"))
        product = source * target
        found.append(product[16:].sum() - product[:16].sum())
    return np.array(found)


@pytest.mark.usefixtures("trained")
def test_the_drift_is_that_between_submission_files_of_two_precisions(make_options: MakeOptions) -> None:
    reference = margins(make_options, "float32")
    threshold = float(np.median(reference))
    found_threshold, drifts = measure_precision_drift(make_options(f"predict.threshold={threshold}"), ALONE)
    assert found_threshold == threshold
    assert [drift.precision for drift in drifts] == ["float32", "bfloat16", "float16"]
    assert (drifts[0].largest_difference, drifts[0].num_changed) == (0, 0)
    for drift in drifts[1:]:
        found = margins(make_options, drift.precision)
        assert drift.largest_difference == pytest.approx(np.abs(found - reference).max(), rel=1e-3)
        assert drift.mean_difference == pytest.approx(np.abs(found - reference).mean(), rel=1e-3)
        assert drift.num_changed == ((found > threshold) != (reference > threshold)).sum()
        assert drift.num_pairs == len(reference)
        assert drift.items_per_second > 0
    assert drifts[1].mean_difference > drifts[2].mean_difference > 0


@pytest.mark.usefixtures("trained")
def test_prediction_takes_the_precision_of_training_where_it_has_none_of_its_own(make_options: MakeOptions) -> None:
    def embeddings(*overrides: str) -> bytes:
        prediction = run_prediction(make_options("predict.threshold=0.0", *overrides), ALONE)
        assert prediction is not None
        return prediction.file.read_bytes()

    trained_narrow = embeddings("train.precision=bfloat16")
    assert trained_narrow == embeddings("predict.precision=bfloat16")
    assert trained_narrow != embeddings("train.precision=bfloat16", "predict.precision=float32")


def test_the_table_is_aligned() -> None:
    drifts = [
        PrecisionDrift("float32", 0.0, 0.0, 0, 15909, 512.25),
        PrecisionDrift("bfloat16", 0.125, 0.03125, 1234, 15909, 1024.5),
    ]
    assert drift_lines("test", 0.25, drifts) == [
        "test split, decisions at threshold 0.2500, Δ against float32:",
        "precision  largest |Δ margin|  mean |Δ margin|  changed decisions  items/s",
        "float32             0.000e+00        0.000e+00        0 of 15,909    512.2",
        "bfloat16            1.250e-01        3.125e-02    1,234 of 15,909   1024.5",
    ]


@pytest.mark.usefixtures("trained")
def test_the_command_prints_a_line_a_precision(make_options: MakeOptions) -> None:
    make_options()
    ended = run_command("study", "precision-drift", "tiny.yml", "predict.split=val", "predict.threshold=0.5")
    assert ended.status == 0
    lines = ended.stdout.splitlines()
    assert lines[0] == "val split, decisions at threshold 0.5000, Δ against float32:"
    assert [line.split()[0] for line in lines[1:]] == ["precision", "float32", "bfloat16", "float16"]
    assert run_command("study", "precision-drift", "tiny.yml", "--check") == (0, "", "")
    assert run_command("study", "precision-drift", "tiny.yml", "train.stepz=1").status == 2
