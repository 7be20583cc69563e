"""A run whose pairs are decided by a second stage, from training to what is told about a pair."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.checkpoint import best_checkpoint
from engine.checkpoint_folder import all_checkpoints, decider_path, delete_old
from engine.decider_file import find_decider
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.predictor import Prediction, run_prediction
from engine.trainer import run_training
from engine.verifier import Verifier
from options.errors import UserError
from options.read import read_options
from tests.engine.conftest import ALONE, LATE_FUSION
from tests.engine.processes import in_processes
from tests.trained_run import Trained

TREES = "predict.decider=trees"
FROZEN = (*LATE_FUSION, TREES)
TEXT_ALONE = ("model.image_encoder=null", TREES)
EVERY = [FROZEN, TEXT_ALONE]
NAMES = ["frozen encoders", "a trained text encoder"]


@pytest.fixture(scope="module", autouse=True)
def few_rounds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.boosted_trees.NUM_ROUNDS", 20)
        yield


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def copied(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a run's working folder, which is the current one."""
    folder = Path(shutil.copytree(run.parents[1], tmp_path / "copy"))
    monkeypatch.chdir(folder)
    return folder / "experiments/tiny"


def options_of(run: Path, *overrides: str) -> ExperimentOptions:
    return read_options(ExperimentOptions, run / "options.yml", overrides)


def predict(run: Path, *overrides: str) -> Prediction:
    prediction = run_prediction(options_of(run, *overrides), ALONE)
    assert prediction is not None
    return prediction


def submitted(prediction: Prediction) -> list[bool]:
    """What a submission decides by its own similarity.py."""
    similarity: dict[str, Any] = {}
    exec(prediction.file.with_name("similarity.py").read_text(), similarity)
    return [
        similarity["compute"](json.loads(line["src_item_emb"]), json.loads(line["tgt_item_emb"])) > line["threshold"]
        for line in lines(prediction.file)
    ]


def sides(dataset: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[bool]]:
    items = {line["item_id"]: line for line in lines(dataset / "item_test_info.jsonl")}
    pairs = lines(dataset / "item_test_pair.jsonl")
    labels = [pair["item_label"] == "1" for pair in pairs]
    return [items[pair["src_item_id"]] for pair in pairs], [items[pair["tgt_item_id"]] for pair in pairs], labels


@pytest.mark.parametrize("overrides", EVERY, ids=NAMES)
@pytest.mark.parametrize("threshold", ["calibrated", "learned", "1.25", "-1000.0", "1e300"])
def test_a_submission_decides_by_its_margins_as_the_second_stage_does(
    trained: Trained, tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    overrides: tuple[str, ...], threshold: str,
) -> None:  # fmt: skip
    run = copied(trained(*overrides), tmp_path, monkeypatch)
    prediction = predict(run, f"predict.threshold={threshold}")
    decisions = submitted(prediction)
    source, target, labels = sides(tiny_dataset)
    given = threshold if threshold in ("calibrated", "learned") else float(threshold)
    verifier = Verifier.load(run, threshold=given, processes=ALONE)
    images = tiny_dataset / "images" if verifier.options.reads.image else None
    assert verifier.decide(source, target, images).tolist() == decisions
    assert verifier.decide(target, source, images).tolist() == decisions
    assert verifier.decide(source[7:8], target[7:8], images).tolist() == decisions[7:8]
    assert verifier.decider is not None
    assert verifier.threshold == prediction.threshold == verifier.decider.threshold(given)
    assert prediction.num_positives == sum(decisions)
    hits = sum(decision and label for decision, label in zip(decisions, labels, strict=True))
    record = json.loads(prediction.file.with_suffix(".metrics.json").read_text())
    assert record["f1"] == pytest.approx(2 * hits / (sum(decisions) + sum(labels)))
    if threshold in ("-1000.0", "1e300"):
        assert set(decisions) == {threshold == "-1000.0"}
    else:
        assert set(decisions) == {True, False}


@pytest.mark.parametrize("overrides", EVERY, ids=NAMES)
def test_only_encoders_that_are_frozen_as_a_whole_have_blocks(trained: Trained, overrides: tuple[str, ...]) -> None:
    decider = Verifier.load(trained(*overrides), processes=ALONE).decider
    assert decider is not None
    assert (decider.blocks is not None) == (overrides == FROZEN)
    if decider.blocks is not None:
        assert {name.split()[0] for name in decider.blocks.names} == {"text", "image"}


@pytest.mark.parametrize("overrides", EVERY, ids=NAMES)
def test_training_again_fits_the_same_bytes(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: tuple[str, ...]
) -> None:
    run = copied(trained(*overrides), tmp_path, monkeypatch)
    checkpoint = best_checkpoint(run / "checkpoints")
    assert checkpoint is not None
    file = decider_path(checkpoint)
    fitted = file.read_bytes()
    file.unlink()
    with pytest.raises(UserError, match=r"predict\.decider: .*decider\.safetensors is missing: run bash train\.sh"):
        predict(run)
    run_training(options_of(run), "", ALONE)
    assert file.read_bytes() == fitted


def test_a_run_without_a_second_stage_gets_one_by_training_on_with_it(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(trained("model.image_encoder=null"), tmp_path, monkeypatch)
    with pytest.raises(UserError, match=r"predict\.decider: .* is missing"):
        predict(run, TREES)
    result = run_training(options_of(run, TREES), "", ALONE)
    assert find_decider(result.checkpoint) is not None
    assert submitted(predict(run, TREES))
    assert Verifier.load(run, options_of(run, TREES), processes=ALONE).decider is not None


def test_a_checkpoint_that_is_deleted_takes_its_second_stage_along(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(trained(*TEXT_ALONE), tmp_path, monkeypatch)
    first, last = all_checkpoints(run / "checkpoints")
    best = best_checkpoint(run / "checkpoints")
    assert best in (first, last)
    shutil.copyfile(decider_path(best), decider_path(last if best == first else first))
    delete_old(run / "checkpoints", 1)
    assert not first.exists()
    assert [*run.glob("checkpoints/*.decider.safetensors")] == [decider_path(last)]


def test_several_processes_predict_the_same_as_one(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(trained(*FROZEN), tmp_path, monkeypatch)
    expected = predict(run).file.read_bytes()
    (run / "predictions/test.jsonl").unlink()
    checkpoint = best_checkpoint(run / "checkpoints")
    assert checkpoint is not None
    shutil.rmtree("features")

    in_processes(2, lambda processes, _: predict_among_others(run, processes), Path())
    assert (run / "predictions/test.jsonl").read_bytes() == expected


def predict_among_others(run: Path, processes: Processes) -> None:
    prediction = run_prediction(options_of(run), processes)
    assert (prediction is not None) == processes.is_first


def test_several_processes_that_train_on_fit_a_second_stage_once(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(trained(*FROZEN), tmp_path, monkeypatch)
    checkpoint = best_checkpoint(run / "checkpoints")
    assert checkpoint is not None
    fitted = find_decider(checkpoint)
    decider_path(checkpoint).unlink()

    in_processes(2, lambda processes, _: train_on(run, processes), Path())
    again = find_decider(checkpoint)
    assert again.features.names == fitted.features.names
    assert again.calibrated == pytest.approx(fitted.calibrated, rel=1e-3)


def train_on(run: Path, processes: Processes) -> None:
    # Half a batch in each process, as was trained with.
    run_training(options_of(run, "train.batch_size=2"), "", processes)


@pytest.mark.parametrize("overrides", EVERY, ids=NAMES)
def test_what_is_explained_is_what_is_decided(trained: Trained, tiny_dataset: Path, overrides: tuple[str, ...]) -> None:
    from tools.views.explaining.catalogue import load_catalogue
    from tools.views.explaining.explain import explain_pair

    verifier = Verifier.load(trained(*overrides), processes=ALONE)
    catalogue = load_catalogue(None, None, verifier.options)
    images = tiny_dataset / "images" if verifier.options.reads.image else None
    verdicts = set()
    for other in ("val-1", "val-6"):
        pair = [catalogue.get("val-0"), catalogue.get(other)]
        told = explain_pair(verifier, pair[0], pair[1], None).verdict.is_same
        assert [told] == verifier.decide([pair[0].item], [pair[1].item], images).tolist()
        verdicts.add(told)
    assert verdicts == {True, False}


def test_an_exported_encoder_decides_by_the_margin(trained: Trained, tiny_dataset: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from tools.exchange.onnx_export import export, read_source

    checkpoint = best_checkpoint(trained(*TEXT_ALONE) / "checkpoints")
    assert checkpoint is not None
    export(read_source(checkpoint, None, labelled=False), tmp_path / "exported", int8=False, num_pairs=10)
    exported = Verifier.load(tmp_path / "exported", processes=ALONE)
    assert exported.decider is None
    source, target, _ = sides(tiny_dataset)
    by_margin = Verifier.load(checkpoint, processes=ALONE)
    assert exported.rule == by_margin.rule
    margins = by_margin.score(source, target).margin.numpy()
    decided = exported.decide(source, target)
    clear = np.abs(margins - by_margin.rule.threshold) > 1e-4
    assert decided[clear].tolist() == (margins > by_margin.rule.threshold)[clear].tolist()
    assert clear.any()


def test_no_pairs_are_no_decisions(trained: Trained) -> None:
    assert Verifier.load(trained(*TEXT_ALONE), processes=ALONE).decide([], []).tolist() == []


def test_the_report_and_the_drift_of_precisions_go_by_the_margin_and_its_own_threshold(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.run_folder import RunFolder
    from tools.study.precision_drift import measure_precision_drift
    from tools.views.reporting.load_run import load_report_data

    run = copied(trained(*TEXT_ALONE), tmp_path, monkeypatch)
    verifier = Verifier.load(run, processes=ALONE)
    assert verifier.rule.threshold != verifier.threshold
    data = load_report_data(RunFolder(run), "val", ALONE)
    assert data is not None
    assert data.calibrated_threshold == verifier.rule.threshold
    threshold, drifts = measure_precision_drift(options_of(run, "predict.threshold=calibrated"), ALONE)
    assert threshold == verifier.rule.threshold
    assert drifts[0].num_changed == 0


def test_a_model_that_decides_by_the_margin_alone_needs_no_decider(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(trained(*TEXT_ALONE), tmp_path, monkeypatch)
    for file in (run / "checkpoints").glob("*.decider.safetensors"):
        file.unlink()
    assert Verifier.load(run, threshold=0.25, second_stage=False).rule.threshold == 0.25
    assert Verifier.load(run, second_stage=False).decider is None
    with pytest.raises(UserError, match="is missing"):
        Verifier.load(run)


def test_the_learned_threshold_of_the_margin_is_not_the_calibrated_one_beside_a_second_stage(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(trained(*TEXT_ALONE), tmp_path, monkeypatch)
    learned = Verifier.load(run, threshold="learned")
    assert learned.rule.threshold == Verifier.load(run, threshold="learned", second_stage=False).rule.threshold
    assert learned.rule.threshold != Verifier.load(run).rule.threshold
