from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.checksums import recorded_checksum
from engine.pair_scores import VALIDATION, read_validation_scores
from metrics.threshold import best_f1_threshold, parse_criterion
from metrics.verification import verification_metrics
from options.errors import UserError
from tests.tools.study.conftest import MakeRun, validation_of
from tools.study.calibration import CalibrationSettings, calibrate

SETTINGS = CalibrationSettings(parse_criterion("f1"), per_category=False, shrinkage=20.0, num_replicates=100, seed=0)


def checkpoint_in(run: Path) -> Path:
    return run / "checkpoints/step_00000006"


def test_the_highest_f1_is_chosen_and_lies_in_its_interval(make_run: MakeRun) -> None:
    checkpoint = checkpoint_in(make_run())
    scores = read_validation_scores(checkpoint)
    best = best_f1_threshold(scores.margin, scores.same)

    record = calibrate(checkpoint, SETTINGS).record

    assert record.rule.threshold == best.threshold
    assert (record.figures["f1"].value, record.figures["recall"].value) == (best.f1, best.recall)
    for figure in record.figures.values():
        assert figure.low < figure.value < figure.high
    assert 100 < record.num_clusters <= 200
    assert record.validation_pairs == scores.digest
    assert record.validation_file == recorded_checksum(checkpoint, VALIDATION)


@pytest.mark.parametrize("quality", [0.0, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("per_category", [False, True])
def test_the_chosen_rule_is_never_worse_than_zero_on_the_validation_pairs(
    make_run: MakeRun, quality: float, per_category: bool
) -> None:
    for seed in range(3):
        checkpoint = checkpoint_in(make_run(f"run{seed}", quality=quality, offsets=0.3, seed=seed))
        scores = read_validation_scores(checkpoint)
        rule = calibrate(checkpoint, replace(SETTINGS, per_category=per_category)).record.rule
        chosen = verification_metrics(scores.margin, scores.same, rule.thresholds_of(scores.pair_categories))
        assert chosen.f1 >= verification_metrics(scores.margin, scores.same, 0.0).f1


@pytest.mark.parametrize("criterion", ["precision=0.9", "recall=0.9", "positives=150"])
def test_other_criteria_are_met(make_run: MakeRun, criterion: str) -> None:
    checkpoint = checkpoint_in(make_run())
    record = calibrate(checkpoint, replace(SETTINGS, criterion=parse_criterion(criterion))).record
    assert record.criterion == criterion
    name, number = criterion.split("=")
    if name == "positives":
        assert (read_validation_scores(checkpoint).margin > record.rule.threshold).sum() == float(number)
    else:
        assert record.figures[name].value >= float(number)


def test_a_criterion_that_no_threshold_meets_is_said_to_be_so(make_run: MakeRun) -> None:
    with pytest.raises(UserError, match="no threshold meets positives=601 on its 600 validation pairs"):
        calibrate(checkpoint_in(make_run()), replace(SETTINGS, criterion=parse_criterion("positives=601")))


def test_thresholds_by_category_are_kept_where_categories_differ(make_run: MakeRun) -> None:
    checkpoint = checkpoint_in(make_run(num_pairs=2000, quality=3.0, offsets=1.0))
    one = calibrate(checkpoint, SETTINGS).record
    calibration = calibrate(checkpoint, replace(SETTINGS, per_category=True))
    thresholds = calibration.record.rule.categories
    assert list(thresholds) == ["kind0", "kind1", "kind2", "kind3"]
    assert sorted(thresholds.values()) == list(thresholds.values())
    assert calibration.record.figures["f1"].value > one.figures["f1"].value
    assert calibration.notes[0].startswith("kept thresholds of 4 of 4 categories: F1 0.")


def test_thresholds_by_category_are_not_kept_where_they_gain_nothing_on_pairs_held_out(make_run: MakeRun) -> None:
    scores = validation_of(400, seed=3, quality=1.0)
    many = replace(scores, categories=tuple(f"kind{number // 4}" for number in range(800)))
    checkpoint = checkpoint_in(make_run(scores=many))
    calibration = calibrate(checkpoint, replace(SETTINGS, per_category=True, shrinkage=0.01))
    assert calibration.record.rule.categories == {}
    assert calibration.notes[0].startswith("not kept, as they do not help: thresholds of ")


def test_pairs_of_the_test_split_choose_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    pairs = tmp_path / "test.jsonl"
    source, target = validation_of(600, 0, 2.0).pair_ids[17]
    pairs.write_text(
        f'{{"src_item_id": "a", "tgt_item_id": "b"}}\n{{"src_item_id": "{target}", "tgt_item_id": "{source}"}}\n'
    )
    run = make_run(test={"pairs": str(pairs)})
    with pytest.raises(UserError, match=rf"pair of items {source} and {target} is one of data\.test .* test labels"):
        calibrate(checkpoint_in(run), SETTINGS)
    pairs.write_text('{"src_item_id": "a", "tgt_item_id": "b"}\n')
    assert calibrate(checkpoint_in(run), SETTINGS).notes == []
    pairs.unlink()
    assert "was not looked at" in calibrate(checkpoint_in(run), SETTINGS).notes[0]


def test_pairs_that_are_too_few_for_an_interval_are_refused(make_run: MakeRun) -> None:
    scores = validation_of(600, 0, 2.0)
    one = replace(scores, source=np.zeros(600, np.int64), target=np.ones(600, np.int64))
    with pytest.raises(UserError, match="All pairs are one cluster"):
        calibrate(checkpoint_in(make_run(scores=one)), SETTINGS)
