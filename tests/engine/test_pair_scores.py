import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from data.item_pair import PairTable
from data.loading import load_split
from engine import pair_scores
from engine.after_step import AfterStep
from engine.checkpoint import read_state
from engine.checkpoint_folder import find_resumption
from engine.checksums import check_files, write_checksums
from engine.encode import EncodedItems
from engine.pair_scores import (
    VALIDATION,
    ValidationScores,
    pair_category,
    read_scores,
    read_validation_scores,
    score_pairs,
    write_validation_scores,
)
from engine.run_folder import run_folder
from engine.trainer import TrainingResult, run_training
from metrics.threshold import best_f1_threshold
from options.errors import UserError
from tests.engine.conftest import ALONE, MakeOptions


def encoded(num_items: int, width: int, scale: float = 1.0) -> EncodedItems:
    packed = torch.randn(num_items, width, generator=torch.Generator().manual_seed(0)) * scale
    return EncodedItems(packed, torch.zeros(num_items, dtype=torch.bool))


def pairs(num_pairs: int, num_items: int) -> PairTable:
    rng = np.random.default_rng(1)
    return PairTable(rng.integers(0, num_items, num_pairs), rng.integers(0, num_items, num_pairs), None)


@pytest.mark.parametrize("threshold_width", [0, 5])
@pytest.mark.parametrize("at_once", [1, 7, 20, 64])
def test_margins_are_those_of_a_loop_over_floats(
    monkeypatch: pytest.MonkeyPatch, threshold_width: int, at_once: int
) -> None:
    monkeypatch.setattr(pair_scores, "PAIRS_AT_ONCE", at_once)
    items, table = encoded(9, 10, scale=50.0), pairs(20, 9)
    rows = items.packed.tolist()
    expected = []
    for source, target in zip(table.source.tolist(), table.target.tolist(), strict=True):
        products = [x * y for x, y in zip(rows[source], rows[target], strict=True)]
        expected.append(sum(products[threshold_width:]) - sum(products[:threshold_width]))
    scores = score_pairs(items, table, threshold_width)
    margins = scores.margin
    assert np.array_equal(margins, scores.match - scores.threshold)
    assert margins.dtype == np.float64
    assert margins.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_embeddings_that_are_not_finite_are_a_fault_to_mend(number: float) -> None:
    items = encoded(9, 4)
    items.packed[[2, 5], 1] = number
    with pytest.raises(UserError, match=r"embeddings of 2 of 9 items are not finite .* lower train\.optimizer\.lr"):
        score_pairs(items, pairs(3, 9), 2)


@pytest.fixture
def trained(make_options: MakeOptions) -> TrainingResult:
    return run_training(make_options("log.tensorboard=false", "model.image_encoder=null"), "", ALONE)


def some_scores() -> ValidationScores:
    match, threshold = np.array([1.5, -2.0, 1e-300]), np.array([0.1, 0.2, 0.0])
    same = np.array([True, False, True])
    return ValidationScores(
        match, threshold, same, np.array([0, 1, 2]), np.array([1, 2, 2]), ("a", "花\0瓶", "\ud800"), ("x", "x", "")
    )


def test_scores_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = some_scores()
    write_validation_scores(tmp_path / VALIDATION, written)
    write_checksums(tmp_path)
    read = read_validation_scores(tmp_path)
    assert read.margin.tolist() == written.margin.tolist()
    assert read.same.tolist() == [True, False, True]
    assert read.pair_ids == [("a", "花\0瓶"), ("花\0瓶", "\ud800"), ("\ud800", "\ud800")]
    assert read.pair_categories == ["x", None, None]
    assert read.digest == written.digest


def test_a_category_is_that_of_both_items() -> None:
    assert [pair_category(*pair) for pair in (("x", "x"), ("x", "y"), ("", ""))] == ["x", None, None]


def test_the_digest_is_that_of_ids_and_labels_in_their_order() -> None:
    first = some_scores()
    lines = ['["a", "\\u82b1\\u0000\\u74f6", true]', '["\\u82b1\\u0000\\u74f6", "\\ud800", false]',
             '["\\ud800", "\\ud800", true]']  # fmt: skip
    assert first.digest == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def test_the_scores_of_an_evaluation_are_kept_with_its_checkpoint_and_covered_by_its_checksums(
    make_options: MakeOptions, trained: TrainingResult
) -> None:
    options = make_options("model.image_encoder=null")
    assert options.data.val is not None
    split = load_split(options.data.val, options.data, options.reads, labelled=True)
    lines = [json.loads(line) for line in options.data.val.pairs.read_text(encoding="utf-8").splitlines()]

    kept = read_validation_scores(trained.checkpoint)

    assert kept.pair_ids == [(line["src_item_id"], line["tgt_item_id"]) for line in lines]
    assert kept.same.tolist() == [line["item_label"] == "1" for line in lines]
    assert set(kept.pair_categories) == {"花瓶"}
    assert len(kept.item_ids) == len(split.catalog)
    choice = best_f1_threshold(kept.margin, kept.same)
    assert choice.threshold == trained.evaluation.best_possible_threshold
    assert choice.f1 == trained.evaluation.best_possible_f1
    check_files(trained.checkpoint)
    assert VALIDATION in (trained.checkpoint / "SHA256SUMS").read_text()


def test_damaged_scores_set_a_checkpoint_aside_and_are_named(trained: TrainingResult) -> None:
    latest = run_folder("tiny").checkpoints / "step_00000006"
    file = latest / VALIDATION
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"validation\.safetensors: is damaged or cut off"):
        read_validation_scores(latest)
    assert find_resumption(run_folder("tiny").checkpoints).checkpoint != latest


def test_a_file_that_lacks_a_tensor_is_named(trained: TrainingResult) -> None:
    file = trained.checkpoint / VALIDATION
    tensors = load_file(file)
    del tensors["match"]
    save_file(tensors, file)
    write_checksums(trained.checkpoint)
    with pytest.raises(UserError, match=r"validation\.safetensors: holds no validation scores: KeyError\('match'\)"):
        read_validation_scores(trained.checkpoint)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("match", [1.0]), ("match", [1.0, np.nan, 2.0]), ("threshold", [[1.0, 2.0, 3.0]]), ("same", [True]),
        ("source", [0, 1, 3]), ("target", [0, -1, 2]), ("items", list(b"{}")), ("items", list(b"[")),
        ("items", list(b'{"item_ids": ["a"], "categories": ["x"]}')), ("items", list(b"\xff")),
        ("items", list(b'{"item_ids": 3, "categories": []}')), ("items", list(b"[]")),
        ("items", list(b'{"item_ids": ["a", "b", "c"], "categories": ["x"]}')),
    ],
)  # fmt: skip
def test_scores_that_do_not_belong_together_are_named(tmp_path: Path, name: str, wrong: list[object]) -> None:
    file = tmp_path / VALIDATION
    write_validation_scores(file, some_scores())
    tensors = load_file(file)
    tensors[name] = torch.tensor(wrong, dtype=tensors[name].dtype)
    save_file(tensors, file)
    with pytest.raises(UserError, match=r"validation\.safetensors: holds no validation scores: "):
        read_scores(file)


def test_a_checkpoint_that_was_not_evaluated_holds_none_and_says_so(make_options: MakeOptions) -> None:
    options = make_options("log.tensorboard=false", "model.image_encoder=null", "train.save_every=2")
    run_training(options, "", ALONE)
    checkpoint = run_folder("tiny").checkpoints / "step_00000004"
    assert read_state(checkpoint).evaluation is None
    with pytest.raises(UserError, match=r"holds no validation\.safetensors: it was not evaluated"):
        read_validation_scores(checkpoint)


def test_a_resumed_run_keeps_the_same_bytes(make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    options = make_options("log.tensorboard=false", "model.image_encoder=null", "name=whole")
    whole = run_training(options, "", ALONE)
    options = make_options("log.tensorboard=false", "model.image_encoder=null", "name=halves")
    save = AfterStep._save

    def killed_after_saving(after_step: AfterStep) -> None:
        save(after_step)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(AfterStep, "_save", killed_after_saving)
        with pytest.raises(KeyboardInterrupt):
            run_training(options, "", ALONE)
    run_training(options, "", ALONE)
    for step in (3, 6):
        found = [run_folder(name).checkpoints / f"step_{step:08d}" / VALIDATION for name in ("whole", "halves")]
        assert found[0].read_bytes() == found[1].read_bytes()
    assert whole.evaluation.num_pairs == 60
