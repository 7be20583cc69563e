import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from data.options import READING, ImageOptions
from engine.decision_rule import find_rule
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import checkpoint_of, other_preparation
from engine.pair_scores import read_validation_scores
from engine.predictor import run_prediction
from engine.run_folder import run_folder
from engine.trainer import run_training
from engine.verifier import Verifier
from options.errors import UserError
from options.read import read_options
from tests.command_line import run_command
from tests.engine.conftest import ALONE, MakeOptions
from tests.tiny_data import AGREEMENT
from tests.trained_run import Trained
from tools.catalogue.embedder import EmbeddingJob, run_embedding

TEXT = ("log.tensorboard=false", "model.image_encoder=null", "train.steps=2", "train.evaluate_every=1")


def best_f1(margins: list[float], same: list[bool]) -> float:
    """The highest F1 of all thresholds, by trying each."""
    found = []
    for threshold in (*margins, min(margins) - 1):
        decided = [margin > threshold for margin in margins]
        hits = sum(both for both in map(all, zip(decided, same, strict=True)))
        found.append(2 * hits / (sum(decided) + sum(same)))
    return max(found)


def labels(file: Path) -> list[bool]:
    return [json.loads(line)["item_label"] == "1" for line in file.read_text(encoding="utf-8").splitlines()]


def turn_labels(file: Path) -> None:
    """Exchange the labels of a pair file."""
    text = file.read_text(encoding="utf-8").replace('"item_label": "0"', '"item_label": "x"')
    file.write_text(text.replace('"item_label": "1"', '"item_label": "0"').replace(': "x"', ': "1"'), encoding="utf-8")


@pytest.fixture
def val_pairs(tiny_dataset: Path, work_folder: Path) -> Path:
    """A pair file in the current folder, to be changed."""
    return Path(shutil.copy(tiny_dataset / "item_val_pair.jsonl", "pairs.jsonl"))


def test_labels_that_changed_under_their_name_are_named_and_evaluated_anew(
    make_options: MakeOptions, val_pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = make_options(*TEXT, "data.val.pairs=pairs.jsonl")
    before = run_training(options, "", ALONE)
    checkpoints = run_folder("tiny").checkpoints
    margins = {step: read_validation_scores(checkpoints / f"step_0000000{step}").margin.tolist() for step in (1, 2)}
    turn_labels(val_pairs)

    ended = run_command("study", "calibrate", "experiments/tiny", "--replicates", 20)
    assert "stems from other validation data than what is here now: data.val.pairs;" in ended.stderr
    capsys.readouterr()
    run_prediction(make_options(*TEXT, "data.val.pairs=pairs.jsonl", "predict.threshold=calibrated"), ALONE)
    assert "stems from other validation data than what is here now: data.val.pairs;" in capsys.readouterr().err

    after = run_training(options, "", ALONE)
    with pytest.raises(UserError, match="was chosen on other scores"):  # the rule of the old labels
        find_rule(before.checkpoint)
    again = {step: best_f1(margins[step], labels(val_pairs)) for step in {before.step, 2}}
    assert after.evaluation.best_possible_f1 == pytest.approx(max(again.values()))
    assert again[after.step] == max(again.values())
    names = " and ".join(f"step_0000000{step}" for step in sorted(again))
    told = f"warning: not what the run was evaluated on before: data.val.pairs; evaluated anew: {names}"
    assert told in run_folder("tiny").log.read_text()
    record = json.loads(run_folder("tiny").result.read_text())
    assert (record["step"], record["best_possible_f1"]) == (after.step, after.evaluation.best_possible_f1)
    run_training(options, "", ALONE)
    assert run_folder("tiny").log.read_text().count("evaluated anew") == 1


def test_a_former_best_checkpoint_that_is_no_longer_among_the_latest_is_evaluated_anew_as_well(
    make_options: MakeOptions, val_pairs: Path
) -> None:
    options = ("log.tensorboard=false", "model.image_encoder=null", "train.keep_checkpoints=1",
               "train.evaluate_every=1", "train.save_every=1", "data.val.pairs=pairs.jsonl")  # fmt: skip
    run_training(make_options(*options, "train.steps=1"), "", ALONE)
    longer = make_options(*options, "train.steps=3", "train.optimizer.lr=1e-30")  # which is no better
    before = run_training(longer, "", ALONE)
    assert before.step == 1
    first_line, *others = val_pairs.read_text().splitlines(keepends=True)
    val_pairs.write_text("".join([*others, first_line]))  # in another order they have the same figures
    after = run_training(longer, "", ALONE)
    assert "evaluated anew: step_00000001 and step_00000003" in run_folder("tiny").log.read_text()
    assert (after.step, after.evaluation.best_possible_f1) == (1, before.evaluation.best_possible_f1)


@pytest.mark.parametrize("changed", ["items", "images"])
def test_items_and_pictures_that_changed_under_their_names_are_named_and_evaluated_anew(
    make_options: MakeOptions, tiny_dataset: Path, capsys: pytest.CaptureFixture[str], changed: str
) -> None:
    items = Path(shutil.copy(tiny_dataset / "item_val_info.jsonl", "items.jsonl"))
    images = Path(shutil.copytree(tiny_dataset / "images", "images"))
    options = make_options(
        "log.tensorboard=false", "train.steps=1", f"data.val.items={items}", f"data.val.images={images}"
    )
    before = run_training(options, "", ALONE).evaluation
    if changed == "items":
        items.write_text(items.read_text(encoding="utf-8").replace("花瓶 ", "茶杯 "), encoding="utf-8")
    else:
        for number in range(0, 40, 8):
            shutil.copy(images / f"val{number + 5}.jpg", images / f"val{number}.jpg")
    Verifier.load("experiments/tiny")
    assert f"other validation data than what is here now: data.val.{changed};" in capsys.readouterr().err
    assert run_training(options, "", ALONE).evaluation != before
    assert f"before: data.val.{changed}; evaluated anew: step_00000001" in run_folder("tiny").log.read_text()


def test_other_titles_of_training_items_are_named(make_options: MakeOptions, tiny_dataset: Path) -> None:
    items = Path(shutil.copy(tiny_dataset / "item_train_info.jsonl", "items.jsonl"))
    run_training(make_options(*TEXT, "data.train.items=items.jsonl"), "", ALONE)
    items.write_text(items.read_text(encoding="utf-8").replace("花瓶 ", "茶杯 "), encoding="utf-8")
    run_training(make_options(*TEXT, "data.train.items=items.jsonl", "train.steps=3"), "", ALONE)
    log = run_folder("tiny").log.read_text()
    assert "changed since step_00000002: data.train.items: not the items of before" in log


OTHER = {
    "data.text.attributes=[品牌]": "data.text.attributes: ['品牌'], its own ['颜色分类', ",
    "data.text.max_tokens=8": "data.text.max_tokens: 8, its own 24",
    "data.image.mean=[0, 0, 0]": "data.image.mean: [0.0, 0.0, 0.0], its own [0.485,",
    "model.agreement.attributes=[品牌, 型号]": "model.agreement.in_title.颜色分类: None, its own ['花', '红']",
    "model.agreement.weight=3": "model.agreement.weight: 3.0, its own 4.0",
}


@pytest.fixture
def run(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trained run in the current folder."""
    shutil.copytree(trained(AGREEMENT).parents[1], tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return Path("experiments/tiny")


def given(override: str, *others: str) -> ExperimentOptions:
    agreement = "model.agreement={attributes: [品牌, 型号], codes: 8}" if "型号" in override else AGREEMENT
    overrides = [agreement, *([] if "型号" in override else [override]), *others]
    return read_options(ExperimentOptions, Path("tiny.yml"), overrides)


@pytest.mark.parametrize("override", OTHER)
def test_the_calibrated_threshold_is_refused_for_items_that_are_prepared_otherwise(run: Path, override: str) -> None:
    for use in (
        lambda: run_prediction(given(override, "predict.threshold=calibrated"), ALONE),
        lambda: Verifier.load(run, given(override)),
    ):
        with pytest.raises(UserError) as refused:
            use()
        assert OTHER[override] in str(refused.value)
        assert "predict.allow_other_preparation=true" in str(refused.value)
    assert not (run / "predictions").exists()


@pytest.mark.parametrize("override", list(OTHER)[:1])
def test_another_preparation_is_named_where_it_is_allowed_and_where_no_calibrated_threshold_is_taken(
    run: Path, tiny_dataset: Path, capsys: pytest.CaptureFixture[str], override: str
) -> None:
    allowed = given(override, "predict.allow_other_preparation=true", "predict.threshold=calibrated")
    images = tiny_dataset / "images"
    job = EmbeddingJob(tiny_dataset / "item_test_info.jsonl", images, Path("e"), "float32", 16)
    for use in (
        lambda: run_prediction(allowed, ALONE),
        lambda: Verifier.load(run, given(override), 0.25),
        lambda: run_embedding(given(override), job, ALONE),
    ):
        use()
        assert f"prepared or encoded otherwise than in its run: {OTHER[override]}" in capsys.readouterr().err
    Verifier.load(run, given("data.workers=1", "predict.precision=bfloat16"))
    assert capsys.readouterr().err == ""


def another(value: object) -> object:
    """Another value of an image option."""
    if isinstance(value, bool | str):
        return {"keep": "srgb", "error": "blank"}[value] if isinstance(value, str) else not value
    return tuple(number + 1 for number in value) if isinstance(value, tuple) else 2 * int(str(value))


def test_every_image_option_but_those_of_reading_counts_as_preparation(run: Path) -> None:
    checkpoint, own = checkpoint_of(run), Verifier.load(run).options
    for name in ImageOptions.model_fields:
        image = own.data.image.model_copy(update={name: another(getattr(own.data.image, name))})
        options = own.model_copy(update={"data": own.data.model_copy(update={"image": image})})
        changed = [line.partition(":")[0] for line in other_preparation(checkpoint, options)]
        assert changed == ([] if name in READING else [f"data.image.{name}"])


def test_an_index_of_items_that_were_prepared_otherwise_is_not_searched_at_the_calibrated_threshold(
    run: Path, tiny_dataset: Path
) -> None:
    override = "data.text.attributes=[品牌]"
    job = EmbeddingJob(tiny_dataset / "item_test_info.jsonl", tiny_dataset / "images", Path("e"), "float32", 16)
    run_embedding(given(override), job, ALONE)
    assert run_command("catalogue", "index", "e", "i").status == 0
    ended = run_command("catalogue", "search", "i", "test-0", "--threshold", "calibrated")
    assert ended.status == 2
    assert "were embedded by other options than its own: data.text.attributes: ['品牌'], its own" in ended.stderr
    assert run_command("catalogue", "search", "i", "test-0", "--threshold", "0.5").status == 0


@pytest.fixture
def sharing(make_options: MakeOptions, tiny_dataset: Path) -> tuple[str, ...]:
    """Options of a run three of whose validation pairs, turned round, are test pairs, which are of validation items."""
    items, pairs = (tiny_dataset / f"item_val_{kind}.jsonl" for kind in ("info", "pair"))
    lines = [json.loads(line) for line in pairs.read_text(encoding="utf-8").splitlines()]
    turned = [{**line, "src_item_id": line["tgt_item_id"], "tgt_item_id": line["src_item_id"]} for line in lines[:3]]
    new = [{"src_item_id": "val-0", "tgt_item_id": "val-7", "item_label": "0"}]
    Path("test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*new, *turned]))
    options = (*TEXT, f"data.test.items={items}", "data.test.pairs=test.jsonl")
    run_training(make_options(*options), "", ALONE)
    return options


def test_validation_pairs_among_those_to_be_predicted_are_counted_and_can_be_left_out(
    make_options: MakeOptions, sharing: tuple[str, ...]
) -> None:
    calibrated = make_options(*sharing, "predict.threshold=calibrated")
    message = (
        r"3 of its 60 validation pairs are among the pairs to be predicted \(test\.jsonl\), the first that of items"
    )
    with pytest.raises(UserError, match=message) as refused:
        run_prediction(calibrated, ALONE)
    assert "--drop-shared --test test.jsonl" in str(refused.value)
    assert run_command("study", "calibrate", "experiments/tiny").status == 2
    ended = run_command("study", "calibrate", "experiments/tiny", "--drop-shared", "--replicates", 20)
    assert "left out: 3 of 60 validation pairs, which are pairs of test.jsonl" in ended.stdout
    scores = read_validation_scores(checkpoint_of(Path("experiments/tiny"))).only(np.arange(60) >= 3)
    shown = next(line for line in ended.stdout.splitlines() if line.startswith("best possible F1")).split()
    assert shown[3] == f"{best_f1(scores.margin.tolist(), scores.same.tolist()):.4f}"
    prediction = run_prediction(calibrated, ALONE)
    assert prediction is not None
    record = json.loads(prediction.file.with_suffix(".metrics.json").read_text())
    assert "f1" in record


def test_figures_of_the_pairs_that_chose_the_threshold_are_called_the_best_possible(
    make_options: MakeOptions, sharing: tuple[str, ...]
) -> None:
    on_val = make_options(*sharing, "predict.threshold=calibrated", "predict.split=val")
    prediction = run_prediction(on_val, ALONE)
    assert prediction is not None
    record = json.loads(prediction.file.with_suffix(".metrics.json").read_text())
    assert {name for name in record if not name.startswith("best_possible_")} == {
        "threshold",
        "num_pairs",
        "num_positives",
        "average_precision",
        "roc_auc",
        "recall_at_precision_90",
        "recall_at_precision_95",
    }
    run_prediction(make_options(*sharing, "predict.threshold=learned", "predict.split=val"), ALONE)
    assert {"f1", "best_possible_f1"} < json.loads(prediction.file.with_suffix(".metrics.json").read_text()).keys()
