import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel

from engine.after_step import AfterStep
from engine.checkpoint_folder import latest_checkpoint
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.run_folder import run_folder
from engine.stop_request import StoppedError, StopRequest
from engine.train_loop import StepFigures
from engine.trainer import run_training
from options.errors import UserError
from tests.engine.conftest import ALONE, KilledError, MakeOptions
from tests.engine.processes import in_processes
from tests.tiny_data import TEXT_ENCODER


@pytest.fixture
def killed_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the next training end abruptly after step 4, before anything of that step is written."""
    whole = AfterStep.__call__

    def until_killed(self: AfterStep, figures: StepFigures) -> None:
        if self._state.step == 4:
            monkeypatch.setattr(AfterStep, "__call__", whole)
            raise KilledError
        whole(self, figures)

    monkeypatch.setattr(AfterStep, "__call__", until_killed)


def lines(name: str) -> list[dict[str, float]]:
    text = run_folder(name).course.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def without_speed(course: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{key: value for key, value in line.items() if key != "pairs_per_second"} for line in course]


def final_tensors(name: str) -> dict[str, torch.Tensor]:
    checkpoint = latest_checkpoint(run_folder(name).checkpoints)
    assert checkpoint is not None
    return {**load_file(checkpoint / "item_encoder.safetensors"), **load_file(checkpoint / "training.safetensors")}


def assert_same_tensors(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_leaves_a_complete_run_folder(make_options: MakeOptions) -> None:
    result = run_training(make_options(), "train.py tiny.yml", ALONE)
    folder = run_folder("tiny")
    for path in (folder.options, folder.command, folder.environment, folder.log, folder.course, folder.result):
        assert path.stat().st_size > 0
    assert any(folder.tensorboard.iterdir())
    record = json.loads(folder.result.read_text())
    assert record["step"] == result.step
    keys = {"f1", "precision", "recall", "accuracy", "threshold", "best_possible_threshold", "num_pairs"}
    assert keys <= record.keys()
    assert record["best_possible_f1_low"] <= record["best_possible_f1"] <= record["best_possible_f1_high"]
    (logged,) = [line for line in lines("tiny") if line["step"] == result.step and "f1" in line]
    assert logged == record
    interval = f"best_possible_f1_low {record['best_possible_f1_low']:.4g}  best_possible_f1_high"
    assert interval in folder.log.read_text(encoding="utf-8")
    assert [line["step"] for line in lines("tiny") if "loss" in line] == [2, 4, 6]
    assert [line["step"] for line in lines("tiny") if "f1" in line] == [3, 6]
    assert {"loss", "gradient_norm", "learning_rate", "pairs_per_second"} < lines("tiny")[0].keys()


def test_a_run_says_where_validation_pairs_are_too_many_for_intervals(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.evaluator.MOST_PAIRS", 59)
    monkeypatch.setattr("engine.trainer.MOST_PAIRS", 59)
    run_training(make_options("model.image_encoder=null"), "", ALONE)
    assert "F1 is logged without its interval, as there are more than 59 " in run_folder("tiny").log.read_text()
    assert not any("best_possible_f1_low" in line for line in lines("tiny"))


def test_the_resolved_options_of_a_run_reproduce_it(make_options: MakeOptions) -> None:
    from options.read import read_options

    options = make_options("seed=5")
    run_training(options, "", ALONE)
    assert read_options(ExperimentOptions, run_folder("tiny").options) == options.prepared()


@pytest.mark.usefixtures("killed_after")
def test_a_killed_run_goes_on_and_ends_with_the_same_bits(make_options: MakeOptions) -> None:
    overrides = ["train.accumulate=2", "loss.in_batch_negatives={weight: 0.5}", "train.evaluate_every=3"]
    dropout = ["model.text_encoder.architecture.hidden_dropout_prob=0.1"]
    with pytest.raises(KilledError):
        run_training(make_options("name=killed", *overrides, *dropout), "", ALONE)
    assert latest_checkpoint(run_folder("killed").checkpoints) == run_folder("killed").checkpoints / "step_00000003"
    run_training(make_options("name=killed", *overrides, *dropout), "", ALONE)
    run_training(make_options("name=whole", *overrides, *dropout), "", ALONE)
    assert_same_tensors(final_tensors("killed"), final_tensors("whole"))
    assert without_speed(lines("killed")) == without_speed(lines("whole"))
    assert run_folder("killed").result.read_text() == run_folder("whole").result.read_text()


def test_dropout_does_something_so_that_the_test_above_means_something(make_options: MakeOptions) -> None:
    run_training(make_options("name=plain"), "", ALONE)
    run_training(make_options("name=drop", "model.text_encoder.architecture.hidden_dropout_prob=0.1"), "", ALONE)
    plain, drop = final_tensors("plain"), final_tensors("drop")
    assert not torch.equal(plain["match.projection.weight"], drop["match.projection.weight"])


def test_a_finished_run_is_left_as_it_is(make_options: MakeOptions) -> None:
    run_training(make_options(), "", ALONE)
    before = final_tensors("tiny")
    result = run_training(make_options(), "", ALONE)
    assert_same_tensors(final_tensors("tiny"), before)
    assert result.evaluation.num_pairs == 60


def test_another_seed_gives_another_run(make_options: MakeOptions) -> None:
    run_training(make_options("name=a"), "", ALONE)
    run_training(make_options("name=b", "seed=1"), "", ALONE)
    first, second = final_tensors("a"), final_tensors("b")
    assert not torch.equal(first["match.projection.weight"], second["match.projection.weight"])


def test_accumulated_batches_train_as_one_large_batch(make_options: MakeOptions) -> None:
    run_training(make_options("name=parts", "train.batch_size=2", "train.accumulate=4"), "", ALONE)
    run_training(make_options("name=whole", "train.batch_size=8"), "", ALONE)
    parts = [line["loss"] for line in lines("parts") if "loss" in line]
    whole = [line["loss"] for line in lines("whole") if "loss" in line]
    assert parts == pytest.approx(whole, rel=1e-4)


COSINE = ["model.threshold_branch=false", "model.head={name: cosine}", "loss.in_batch_negatives={weight: 1.0}"]


@pytest.mark.parametrize(
    "overrides",
    [
        ["loss={name: fixed_threshold}", *COSINE],
        ["loss={name: contrastive}", *COSINE],
        ["loss={name: learned_threshold}", "model.threshold_branch=false"],
        ["model.share_encoders=true"],
        ["model.text_encoder=null"],
        ["model.image_encoder=null"],
        ["train.precision=bfloat16"],
        ["train.precision=float16"],
        ["train.activation_checkpointing=true"],
        ["train.optimizer.name=adamw", "train.clip_norm=0.1", "train.schedule={name: constant, warmup_steps: 3}"],
        ["data.workers=1", "log.tensorboard=false"],
    ],
)
def test_every_way_of_training_learns_something_finite(make_options: MakeOptions, overrides: list[str]) -> None:
    result = run_training(make_options(*overrides), "", ALONE)
    assert result.evaluation.best_possible_f1 > 0.4
    assert all(torch.isfinite(tensor).all() for tensor in final_tensors("tiny").values())


def test_the_model_learns_to_verify_its_training_pairs(make_options: MakeOptions, tiny_dataset: Path) -> None:
    same_split = [f"data.val.{key}={tiny_dataset}/{file}" for key, file in
                  (("items", "item_train_info.jsonl"), ("pairs", "item_train_pair.jsonl"))]  # fmt: skip
    steps = ["train.steps=80", "train.evaluate_every=80", "train.schedule.periods=[80]", "train.batch_size=16"]
    more = ["train.optimizer.lr=0.003", "data.on_split_overlap=warn"]
    result = run_training(make_options(*same_split, *steps, *more), "", ALONE)
    assert result.evaluation.best_possible_f1 > 0.85


def test_training_starts_from_the_weights_of_a_checkpoint(make_options: MakeOptions) -> None:
    first = run_training(make_options("name=first"), "", ALONE)
    options = make_options(
        "name=second", f"model.weights={first.checkpoint}", "train.steps=1", "train.optimizer.lr=1e-30"
    )
    run_training(options, "", ALONE)
    expected = load_file(first.checkpoint / "item_encoder.safetensors")
    found = final_tensors("second")
    assert all(torch.allclose(found[name], tensor, atol=1e-6) for name, tensor in expected.items())


def test_a_checkpoint_of_another_model_is_refused_by_name(make_options: MakeOptions) -> None:
    run_training(make_options(), "", ALONE)
    with pytest.raises(UserError, match=r"cannot go on .*\n  model\.embedding_width: 8, before 16$"):
        run_training(make_options("model.embedding_width=8", "train.steps=9"), "", ALONE)


def test_training_without_a_validation_split_is_refused(make_options: MakeOptions) -> None:
    with pytest.raises(UserError, match=r"data\.train and data\.val"):
        run_training(make_options("data.val=null"), "", ALONE)


def test_a_loss_that_is_not_a_number_ends_the_run_with_advice(make_options: MakeOptions) -> None:
    with pytest.raises(UserError, match=r"is not a finite number in step 2 .*learning rate .*Try a lower"):
        run_training(make_options("train.optimizer.lr=1e30", "train.steps=20", "train.evaluate_every=20"), "", ALONE)


def overlapping(dataset: Path) -> list[str]:
    return [f"data.val.{key}={dataset}/item_train_{file}.jsonl" for key, file in (("items", "info"), ("pairs", "pair"))]


def test_items_of_training_in_validation_end_the_run_before_it_begins(
    make_options: MakeOptions, tiny_dataset: Path
) -> None:
    with pytest.raises(UserError, match=r"data\.val: 40 of its 40 items occur in data\.train .*: train-0, train-1,"):
        run_training(make_options(*overlapping(tiny_dataset)), "", ALONE)
    assert not run_folder("tiny").root.exists()


def test_items_of_training_in_validation_are_warned_of_where_that_is_wanted(
    make_options: MakeOptions, tiny_dataset: Path
) -> None:
    run_training(make_options(*overlapping(tiny_dataset), "data.on_split_overlap=warn", "train.steps=1"), "", ALONE)
    log = run_folder("tiny").log.read_text()
    assert "warning: data.val: 40 of its 40 items occur" in log
    assert "on_split_overlap" not in log


def test_a_run_whose_attribute_names_no_item_has_ends_before_it_begins(make_options: MakeOptions) -> None:
    with pytest.raises(UserError, match=r"none has 'brand'; those that most have are '颜色分类', '品牌', '型号'"):
        run_training(make_options("data.text.attributes=[brand]"), "", ALONE)
    with pytest.raises(UserError, match=r"model\.agreement\.attributes: of 40 items none has 'brand'"):
        run_training(make_options("model.agreement={attributes: [brand]}"), "", ALONE)
    assert not run_folder("tiny").root.exists()


def test_a_run_tells_names_that_hardly_any_item_has_and_listings_under_a_second_id(
    make_options: MakeOptions, tiny_dataset: Path
) -> None:
    first, *others = (tiny_dataset / "item_train_info.jsonl").read_text().splitlines()
    twin = {**json.loads(first), "item_id": "train-1"}
    Path("twins.jsonl").write_text("\n".join([first, json.dumps(twin), *others[1:]]))
    options = make_options("data.train.items=twins.jsonl", "data.text.attributes=[品牌, brand]", "train.steps=1")
    run_training(options, "", ALONE)
    log = run_folder("tiny").log.read_text()
    assert "of 40 items (1 of them the listing of another under a second id), " in log
    assert "warning: data.text.attributes: fewer than 1% of 40 items have 'brand' (0)\n" in log


@pytest.mark.parametrize(("label", "missing"), [("0", "the same"), ("1", "different")])
@pytest.mark.parametrize("split", ["train", "val"])
def test_pairs_of_one_label_end_the_run_before_it_begins(
    make_options: MakeOptions, tiny_dataset: Path, split: str, label: str, missing: str
) -> None:
    pairs = (tiny_dataset / f"item_{split}_pair.jsonl").read_text().splitlines(keepends=True)
    Path("pairs.jsonl").write_text("".join(line for line in pairs if f'"item_label": "{label}"' in line))
    with pytest.raises(UserError, match=rf"pairs\.jsonl: no pair is labelled {missing} "):
        run_training(make_options(f"data.{split}.pairs=pairs.jsonl"), "", ALONE)
    assert not run_folder("tiny").root.exists()


def test_the_record_of_the_best_checkpoint_is_mended_by_a_later_start(make_options: MakeOptions) -> None:
    run_training(make_options(), "", ALONE)
    result = run_folder("tiny").result
    before = result.read_text()
    result.unlink()
    run_training(make_options(), "", ALONE)
    assert result.read_text() == before


@pytest.mark.usefixtures("killed_after")
def test_a_killed_run_in_float16_goes_on(make_options: MakeOptions) -> None:
    options = make_options("train.precision=float16", "log.tensorboard=false")
    with pytest.raises(KilledError):
        run_training(options, "", ALONE)
    run_training(options, "", ALONE)
    assert latest_checkpoint(run_folder("tiny").checkpoints) == run_folder("tiny").checkpoints / "step_00000006"


def test_one_process_goes_on_with_what_two_began_where_the_pairs_a_step_stay_the_same(
    make_options: MakeOptions, tmp_path: Path
) -> None:
    shared = ["train.log_every=1", "train.steps=4", "train.evaluate_every=4", "log.tensorboard=false"]
    two = ["train.batch_size=4", "train.accumulate=1"]
    one = ["train.batch_size=4", "train.accumulate=2"]

    begun = make_options(*shared, *two)

    def begin(processes: Processes, folder: Path) -> None:
        stop = StopRequest()
        stop.made = processes.rank == 1  # one is asked, both stop
        with pytest.raises(StoppedError, match="step 1 of 4"):
            run_training(begun, "", processes, stop)

    in_processes(2, begin, tmp_path)
    with pytest.raises(UserError, match=r"pairs a step: 4 \(1 processes .*, before 8 \(2 processes"):
        run_training(make_options(*shared, *two), "", ALONE)
    run_training(make_options(*shared, *one), "", ALONE)
    run_training(make_options("name=whole", *shared, *one), "", ALONE)
    tiny, whole = ([line.get("loss", line.get("f1")) for line in lines(name)] for name in ("tiny", "whole"))
    assert tiny == pytest.approx(whole, rel=1e-4)
    assert "warning: changed since step_00000001: processes: 1, before 2" in run_folder("tiny").log.read_text()


@pytest.mark.parametrize("num_processes", [2, 3])
def test_several_processes_go_on_with_the_same_bits_and_logged_losses(
    make_options: MakeOptions, tmp_path: Path, num_processes: int
) -> None:
    options = ["train.steps=6", "train.log_every=3", "train.save_every=9", "log.tensorboard=false"]

    # Made here, as they write one file.
    whole, stopped = make_options("name=whole", *options), make_options("name=stopped", *options)

    def run(processes: Processes, folder: Path) -> None:
        run_training(whole, "", processes)
        stop = StopRequest()
        stop.made = True
        with pytest.raises(StoppedError):
            run_training(stopped, "", processes, stop)
        run_training(stopped, "", processes)

    in_processes(num_processes, run, tmp_path)
    assert without_speed(lines("stopped")) == without_speed(lines("whole"))
    assert_same_tensors(final_tensors("stopped"), final_tensors("whole"))


def test_a_killed_run_with_adapters_goes_on_as_if_it_had_never_ended(
    make_options: MakeOptions, killed_after: None, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    base = tmp_path / "base"
    AutoModel.from_config(AutoConfig.for_model(**TEXT_ENCODER["architecture"])).save_pretrained(base)
    adapters = f"model.text_encoder={{name: transformers, architecture: {base}, lora: {{rank: 2}}}}"

    def options(name: str) -> ExperimentOptions:
        return make_options("model.image_encoder=null", adapters, f"name={name}")

    with pytest.raises(KilledError):
        run_training(options("killed"), "", ALONE)
    run_training(options("killed"), "", ALONE)
    run_training(options("whole"), "", ALONE)
    assert_same_tensors(final_tensors("killed"), final_tensors("whole"))
    assert re.search(r"0\.0\d M parameters \(0\.0\d M of them trained\), ", run_folder("whole").log.read_text())
    assert not [name for name in final_tensors("whole") if "base_layer" in name or "embeddings" in name]
