from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.checksums import recorded_checksum
from engine.pair_scores import VALIDATION, ValidationScores, read_validation_scores
from metrics.threshold import best_f1_threshold, parse_criterion
from metrics.verification import verification_metrics
from options.errors import UserError
from tests.tiny_data import write_lines
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
    found = [record.figures[f"best_possible_{name}"].value for name in ("f1", "recall")]
    assert found == [best.f1, best.recall]
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
        assert record.figures[f"best_possible_{name}"].value >= float(number)


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
    assert calibration.record.figures["best_possible_f1"].value > one.figures["best_possible_f1"].value
    assert calibration.notes[0].startswith("kept thresholds of 4 of 4 categories: F1 0.")


def test_thresholds_by_category_are_not_kept_where_they_gain_nothing_on_pairs_held_out(make_run: MakeRun) -> None:
    scores = validation_of(400, seed=3, quality=1.0)
    many = replace(scores, categories=tuple(f"kind{number // 4}" for number in range(800)))
    checkpoint = checkpoint_in(make_run(scores=many))
    calibration = calibrate(checkpoint, replace(SETTINGS, per_category=True, shrinkage=0.01))
    assert calibration.record.rule.categories == {}
    assert calibration.notes[0].startswith("not kept, as they do not help: thresholds of ")


def write_test_pairs(file: Path, *ids: tuple[str, str]) -> None:
    write_lines(file, [{"src_item_id": source, "tgt_item_id": target} for source, target in (("a", "b"), *ids)])


def rows_of(scores: ValidationScores, *ids: tuple[str, str]) -> list[int]:
    """The validation pairs of these items, whichever comes first."""
    return [row for row, (one, other) in enumerate(scores.pair_ids) if (one, other) in ids or (other, one) in ids]


def test_pairs_of_the_test_split_choose_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    pairs = tmp_path / "test.jsonl"
    scores = validation_of(600, 0, 2.0)
    source, target = scores.pair_ids[17]
    write_test_pairs(pairs, (target, source), scores.pair_ids[3])
    shared = rows_of(scores, (target, source), scores.pair_ids[3])
    checkpoint = checkpoint_in(make_run(test={"pairs": str(pairs)}))
    first = " and ".join(scores.pair_ids[shared[0]])
    message = rf"{len(shared)} of its 600 validation pairs are among the pairs .*test\.jsonl\), .* of items {first};"
    with pytest.raises(UserError, match=message):
        calibrate(checkpoint, SETTINGS)
    write_test_pairs(pairs)
    assert calibrate(checkpoint, SETTINGS).notes == []
    pairs.unlink()
    assert "was not looked at" in calibrate(checkpoint, SETTINGS).notes[0]
    with pytest.raises(UserError, match=r"--drop-shared: .*test\.jsonl is not here; name it with --test FILE"):
        calibrate(checkpoint, replace(SETTINGS, drop_shared=True))


def test_shared_pairs_are_left_out_where_that_is_wanted(make_run: MakeRun, tmp_path: Path) -> None:
    scores = validation_of(600, 0, 2.0)
    ids = [scores.pair_ids[row] for row in (3, 17, 400)]
    write_test_pairs(tmp_path / "other.jsonl", *ids)
    settings = replace(SETTINGS, drop_shared=True, test=tmp_path / "other.jsonl")
    calibration = calibrate(checkpoint_in(make_run()), settings)
    left_out = rows_of(scores, *ids)
    rest = np.delete(np.arange(600), left_out)
    best = best_f1_threshold(scores.margin[rest], scores.same[rest])
    assert (calibration.record.rule.threshold, calibration.record.num_pairs) == (best.threshold, len(rest))
    assert list(calibration.record.left_out) == left_out
    assert calibration.notes[0].startswith(f"left out: {len(left_out)} of 600 validation pairs")


@pytest.mark.parametrize("criterion", ["f1", "precision=0.95"])
def test_pairs_of_one_label_choose_nothing(make_run: MakeRun, criterion: str) -> None:
    scores = validation_of(600, 0, 2.0)
    for label, missing in ((True, "different"), (False, "the same")):
        checkpoint = checkpoint_in(make_run(f"run{label}", scores=replace(scores, same=np.full(600, label))))
        with pytest.raises(UserError, match=f"no pair is labelled {missing} "):
            calibrate(checkpoint, replace(SETTINGS, criterion=parse_criterion(criterion)))


def test_a_state_that_its_checksum_denies_is_refused(make_run: MakeRun) -> None:
    checkpoint = checkpoint_in(make_run())
    state = checkpoint / "state.json"
    state.write_text(state.read_text().replace('"threshold": 0.0', '"threshold": 9.0'))
    with pytest.raises(UserError, match=r"state\.json: is damaged or cut off: its checksum is not that of SHA256SUMS"):
        calibrate(checkpoint, SETTINGS)


def test_pairs_that_are_too_few_for_an_interval_are_refused(make_run: MakeRun) -> None:
    scores = validation_of(600, 0, 2.0)
    one = replace(scores, source=np.zeros(600, np.int64), target=np.ones(600, np.int64))
    with pytest.raises(UserError, match="All pairs are one cluster"):
        calibrate(checkpoint_in(make_run(scores=one)), SETTINGS)
