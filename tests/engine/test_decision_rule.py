import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.checkpoint_folder import rule_path
from engine.checksums import check_files, recorded_checksum
from engine.decision_rule import DecisionRule, EstimatedFigure, RuleRecord, decision_rule, find_rule, write_rule
from engine.pair_scores import VALIDATION
from engine.predictor import run_prediction
from engine.trainer import TrainingResult, run_training
from options.errors import UserError
from tests.engine.conftest import ALONE, MakeOptions, fresh_state, save

QUICK = ("log.tensorboard=false", "model.image_encoder=null")


@pytest.fixture
def trained(make_options: MakeOptions) -> TrainingResult:
    return run_training(make_options(*QUICK), "", ALONE)


def record_of(checkpoint: Path, rule: DecisionRule) -> RuleRecord:
    return RuleRecord(
        format=1,
        criterion="recall=0.9",
        rule=rule,
        figures={"f1": EstimatedFigure(0.5, 0.4, 0.6)},
        confidence=0.95,
        num_pairs=60,
        num_clusters=20,
        num_replicates=1000,
        seed=0,
        validation_pairs="0" * 64,
        validation_file=recorded_checksum(checkpoint, VALIDATION) or "",
    )


def test_a_rule_is_read_as_it_was_written_and_leaves_the_checkpoint_whole(trained: TrainingResult) -> None:
    record = record_of(trained.checkpoint, DecisionRule(0.1 + 0.2, {"花瓶": -1 / 3}))
    assert find_rule(trained.checkpoint) is None
    file = write_rule(trained.checkpoint, record)
    assert file.parent == trained.checkpoint.parent
    found = find_rule(trained.checkpoint)
    assert found is not None
    assert replace(found, own_checksum="") == record
    check_files(trained.checkpoint)


def test_calibrated_is_the_chosen_rule_if_there_is_one_else_the_threshold_of_the_highest_f1(
    trained: TrainingResult,
) -> None:
    of_highest_f1 = DecisionRule(trained.evaluation.best_possible_threshold)
    assert decision_rule("calibrated", trained.checkpoint) == of_highest_f1
    write_rule(trained.checkpoint, record_of(trained.checkpoint, DecisionRule(0.25)))
    assert decision_rule("calibrated", trained.checkpoint) == DecisionRule(0.25)
    assert decision_rule("learned", trained.checkpoint) == DecisionRule(0.0)
    assert decision_rule(1.65, Path("anywhere")) == DecisionRule(1.65)


def test_a_rule_of_another_state_of_the_checkpoint_is_refused(trained: TrainingResult) -> None:
    record = record_of(trained.checkpoint, DecisionRule(0.25))
    write_rule(trained.checkpoint, replace(record, validation_file="1" * 64))
    with pytest.raises(UserError, match=r"threshold\.json: was chosen on other scores than those of .*choose it again"):
        decision_rule("calibrated", trained.checkpoint)


@pytest.mark.parametrize(("text", "message"), [("{", "is damaged"), ('{"format": 1}', "criterion")])
def test_a_damaged_rule_is_named(trained: TrainingResult, text: str, message: str) -> None:
    rule_path(trained.checkpoint).write_text(text)
    with pytest.raises(UserError, match=message):
        find_rule(trained.checkpoint)


def test_a_rule_of_another_format_is_refused(trained: TrainingResult) -> None:
    write_rule(trained.checkpoint, replace(record_of(trained.checkpoint, DecisionRule(0.0)), format=2))
    with pytest.raises(UserError, match="format 2 is not 1"):
        find_rule(trained.checkpoint)


def test_the_rule_of_a_checkpoint_goes_with_it(make_options: MakeOptions, tmp_path: Path) -> None:
    state = fresh_state(make_options(*QUICK))
    for step in (1, 2):
        state.step = step
        rule_path(save(tmp_path / "c", state, keep=1)).write_text("{}")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["step_00000002", "step_00000002.threshold.json"]


def test_pairs_of_a_category_with_a_threshold_have_it_and_others_the_global_one() -> None:
    rule = DecisionRule(1.0, {"x": 2.0})
    assert rule.thresholds_of(["x", None, "y"]).tolist() == [2.0, 1.0, 1.0]


@pytest.mark.parametrize("categories", [{}, {"花瓶": 0.125}, {"茶杯": 0.125}])
def test_a_prediction_decides_and_writes_each_line_by_its_own_threshold(
    make_options: MakeOptions, trained: TrainingResult, categories: dict[str, float]
) -> None:
    write_rule(trained.checkpoint, record_of(trained.checkpoint, DecisionRule(-0.25, categories)))
    prediction = run_prediction(make_options(*QUICK, "predict.threshold=calibrated"), ALONE)
    assert prediction is not None
    lines = [json.loads(line) for line in prediction.file.read_text(encoding="utf-8").splitlines()]
    expected = 0.125 if "花瓶" in categories else -0.25
    assert {line["threshold"] for line in lines} == {expected}
    margins = []
    for line in lines:
        products = np.array(json.loads(line["src_item_emb"])) * np.array(json.loads(line["tgt_item_emb"]))
        margins.append(products[16:].sum() - products[:16].sum())
    assert prediction.num_positives == (np.array(margins) > expected).sum()
    assert prediction.evaluation is not None
    assert prediction.threshold == -0.25
