import errno
import importlib.util
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.pair_batch import ItemBatch
from engine import encode
from engine.distributed import Processes
from engine.encode import EncodedRound
from engine.experiment import ExperimentOptions
from engine.predictor import SIMILARITY, Prediction, embedding_text, run_prediction
from engine.run_folder import run_folder
from engine.stop_request import StoppedError, StopRequest
from engine.trainer import TrainingResult, run_training
from models.embedding import ItemEmbedding, pack, pair_score
from models.item_encoder import ItemEncoder
from options.errors import UserError
from options.read import read_options
from options.yaml_values import to_yaml
from tests.engine.conftest import ALONE, MakeOptions
from tests.engine.processes import in_processes
from tests.tiny_data import option_tree


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, tiny_dataset: Path) -> tuple[TrainingResult, Path]:
    """A trained run and the folder that it was trained in."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.yml").write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = read_options(ExperimentOptions, Path("tiny.yml"), ["log.tensorboard=false"])
        return run_training(options, "", ALONE), folder


@pytest.fixture
def trained(result: tuple[TrainingResult, Path], work_folder: Path) -> TrainingResult:
    """The run, copied into the current folder."""
    shutil.copytree(result[1] / "experiments", work_folder / "experiments")
    return result[0]


def predict(options: ExperimentOptions) -> Prediction:
    prediction = run_prediction(options, ALONE)
    assert prediction is not None
    return prediction


def lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.usefixtures("trained")
def test_the_submission_has_a_line_a_pair_in_the_order_of_the_pair_file(
    make_options: MakeOptions, tiny_dataset: Path
) -> None:
    prediction = predict(make_options("predict.threshold=0.25"))
    assert prediction.file == run_folder("tiny").predictions / "test.jsonl"
    pairs = lines(tiny_dataset / "item_test_pair.jsonl")
    submitted = lines(prediction.file)
    assert [(line["src_item_id"], line["tgt_item_id"]) for line in submitted] == [
        (pair["src_item_id"], pair["tgt_item_id"]) for pair in pairs
    ]
    assert all(list(line) == ["src_item_id", "src_item_emb", "tgt_item_id", "tgt_item_emb", "threshold"]
               for line in submitted)  # fmt: skip
    assert {line["threshold"] for line in submitted} == {0.25}
    assert all(len(json.loads(line["src_item_emb"])) == 32 for line in submitted)


@pytest.mark.usefixtures("trained")
def test_similarity_py_alone_reproduces_the_decisions_and_the_metrics(
    make_options: MakeOptions, tiny_dataset: Path
) -> None:
    prediction = predict(make_options("predict.threshold=calibrated"))
    specification = importlib.util.spec_from_file_location("similarity", prediction.file.with_name("similarity.py"))
    assert specification is not None
    assert specification.loader is not None
    similarity = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(similarity)
    decisions = [
        similarity.compute(json.loads(line["src_item_emb"]), json.loads(line["tgt_item_emb"])) > line["threshold"]
        for line in lines(prediction.file)
    ]
    labels = [pair["item_label"] == "1" for pair in lines(tiny_dataset / "item_test_pair.jsonl")]
    hits = sum(decision and label for decision, label in zip(decisions, labels, strict=True))
    assert sum(decisions) == prediction.num_positives
    assert prediction.evaluation is not None
    assert prediction.evaluation.f1 == pytest.approx(2 * hits / (sum(decisions) + sum(labels)))
    record = json.loads(prediction.file.with_suffix(".metrics.json").read_text())
    assert record["f1"] == prediction.evaluation.f1


def test_the_calibrated_threshold_reproduces_the_validation_figures(
    make_options: MakeOptions, trained: TrainingResult
) -> None:
    prediction = predict(make_options("predict.split=val", "predict.threshold=calibrated"))
    assert prediction.evaluation is not None
    assert prediction.threshold == trained.evaluation.best_possible_threshold
    assert prediction.evaluation.f1 == pytest.approx(trained.evaluation.best_possible_f1)


@pytest.mark.usefixtures("trained")
def test_the_learned_threshold_of_the_self_adaptive_loss_is_zero(make_options: MakeOptions) -> None:
    assert predict(make_options("predict.threshold=learned")).threshold == 0.0


def without_labels(pairs: Path) -> Path:
    unlabelled = Path("pairs.jsonl")
    unlabelled.write_text(
        "".join(json.dumps({key: pair[key] for key in ("src_item_id", "tgt_item_id")}) + "\n" for pair in lines(pairs))
    )
    return unlabelled


@pytest.mark.usefixtures("trained")
def test_unlabelled_pairs_are_predicted_without_metrics(make_options: MakeOptions, tiny_dataset: Path) -> None:
    unlabelled = without_labels(tiny_dataset / "item_test_pair.jsonl")
    labelled = predict(make_options())
    prediction = predict(make_options(f"data.test.pairs={unlabelled}", "predict.output=out/other.jsonl"))
    assert prediction.evaluation is None
    assert prediction.file.read_bytes() == labelled.file.read_bytes()
    assert prediction.file == Path("out/other.jsonl")


@pytest.mark.usefixtures("trained")
def test_what_an_earlier_prediction_said_of_its_file_does_not_stay_beside_the_next(
    make_options: MakeOptions, tiny_dataset: Path
) -> None:
    images = Path("images")
    shutil.copytree(tiny_dataset / "images", images)
    next(iter(sorted(images.glob("test1.*")))).write_bytes(b"no picture")
    file = predict(make_options(f"data.test.images={images}", "data.image.on_bad_image=blank")).file
    beside = [file.with_suffix(".metrics.json"), file.with_suffix(".blank_images.json")]
    assert all(one.is_file() for one in beside)
    unlabelled = without_labels(tiny_dataset / "item_test_pair.jsonl")
    assert predict(make_options(f"data.test.pairs={unlabelled}")).file == file
    assert not any(one.exists() for one in beside)


@pytest.mark.usefixtures("trained")
def test_a_folder_whose_other_files_are_scored_otherwise_is_refused(make_options: MakeOptions) -> None:
    first = predict(make_options("predict.output=out/first.jsonl")).file
    scored_by = first.with_name("similarity.py")
    scored_by.write_text(scored_by.read_text().replace("16", "8"))
    with pytest.raises(UserError, match=r"similarity\.py: belongs to embeddings of other widths.* first\.jsonl"):
        predict(make_options("predict.output=out/second.jsonl"))
    assert predict(make_options("predict.output=out/first.jsonl")).file == first


def test_a_checkpoint_is_taken_by_its_path(make_options: MakeOptions, trained: TrainingResult) -> None:
    best = predict(make_options()).file.read_bytes()
    by_path = predict(make_options("name=elsewhere", f"predict.checkpoint={trained.checkpoint}"))
    assert by_path.file.read_bytes() == best
    file = trained.checkpoint / "item_encoder.safetensors"
    by_file = predict(make_options("name=third", f"predict.checkpoint={file}", "predict.threshold=0.0"))
    assert by_file.file.read_bytes() == best


def test_a_run_that_was_never_trained_is_said_to_be_so(make_options: MakeOptions) -> None:
    with pytest.raises(UserError, match=r"no best checkpoint yet; train first"):
        run_prediction(make_options(), ALONE)


def test_a_kept_threshold_needs_a_checkpoint_that_was_evaluated(
    make_options: MakeOptions, trained: TrainingResult
) -> None:
    file = trained.checkpoint / "item_encoder.safetensors"
    with pytest.raises(UserError, match=r"predict\.threshold: calibrated is kept by checkpoints"):
        run_prediction(make_options(f"predict.checkpoint={file}", "predict.threshold=calibrated"), ALONE)


@pytest.mark.usefixtures("trained")
def test_a_failed_prediction_leaves_the_former_file_whole(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = predict(make_options()).file
    before = file.read_bytes()
    monkeypatch.setattr("engine.predictor.embedding_text", lambda numbers: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_prediction(make_options("predict.threshold=9.0"), ALONE)
    assert file.read_bytes() == before


def test_numbers_are_written_in_the_shortest_form_that_reads_back_to_the_same_float32() -> None:
    rng = np.random.default_rng(0)
    numbers = np.concatenate([rng.normal(size=500), rng.normal(size=500) * 1e-20, [0, 1e-5, 16777216]])
    numbers = numbers.astype(np.float32)
    read = json.loads(embedding_text(numbers))
    assert np.array_equal(np.array(read, np.float32), numbers)
    assert embedding_text(np.array([0.1, -2.5], np.float32)) == "[0.1,-2.5]"


def test_a_checkpoint_that_does_not_exist_is_said_not_to(make_options: MakeOptions) -> None:
    with pytest.raises(UserError, match=r"predict\.checkpoint: there is no nowhere"):
        run_prediction(make_options("predict.checkpoint=nowhere"), ALONE)


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("batches_done", [1, 2, 4])
def test_a_prediction_that_was_killed_goes_on_with_the_items_that_are_left_to_the_same_bytes(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch, batches_done: int, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(encode, "BATCHES_A_ROUND", 1)
    options = make_options("evaluate.batch_size=7")
    whole = predict(options).file
    expected = whole.read_bytes()
    whole.unlink()
    encode_batch = encode._encode
    encoded: list[int] = []

    def until_killed(encoder: ItemEncoder, batch: ItemBatch, *rest: object) -> EncodedRound:
        if len(encoded) == batches_done:
            raise KeyboardInterrupt
        encoded.append(len(batch.item))
        return encode_batch(encoder, batch, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(encode, "_encode", until_killed)
        with pytest.raises(KeyboardInterrupt):
            run_prediction(options, ALONE)
        assert not whole.exists()
        later: list[int] = []
        patch.setattr(encode, "_encode", lambda *a: (later.append(len(a[1].item)), encode_batch(*a))[1])
        assert predict(options).file.read_bytes() == expected
    assert sum(encoded) + sum(later) == 40
    assert f"goes on after {sum(encoded)} of 40 items" in capsys.readouterr().err
    assert [path.name for path in sorted(whole.parent.iterdir())] == [
        ".test.jsonl.lock", "similarity.py", "test.jsonl", "test.metrics.json",
    ]  # fmt: skip


@pytest.mark.usefixtures("trained")
def test_a_prediction_by_other_weights_does_not_go_on_from_those_of_before(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = predict(make_options("predict.checkpoint=latest")).file.read_bytes()
    run_training(make_options("name=other", "seed=1", "log.tensorboard=false"), "", ALONE)
    other = f"predict.checkpoint={run_folder('other').checkpoints}/step_00000006"
    with monkeypatch.context() as patch:
        patch.setattr("engine.predictor.embedding_text", lambda numbers: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_prediction(make_options(other), ALONE)
    assert predict(make_options("predict.checkpoint=latest")).file.read_bytes() == expected


@pytest.mark.usefixtures("trained")
def test_a_prediction_that_is_asked_to_stop_keeps_what_it_has(make_options: MakeOptions) -> None:
    stop = StopRequest()
    stop.made = True
    with pytest.raises(StoppedError, match="encode: 0 of 10 batches"):
        run_prediction(make_options("evaluate.batch_size=4"), ALONE, stop)


def test_a_damaged_best_checkpoint_is_named_and_not_predicted_with(
    make_options: MakeOptions, trained: TrainingResult
) -> None:
    file = trained.checkpoint / "item_encoder.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"item_encoder\.safetensors: is damaged or cut off"):
        run_prediction(make_options(), ALONE)


@pytest.mark.usefixtures("trained")
def test_a_disk_that_is_full_ends_a_prediction_with_the_reason(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.disk.os.fsync", refuse)
    with pytest.raises(UserError, match=r"test\.jsonl: cannot be written: No space left"):
        run_prediction(make_options(), ALONE)


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("count", "num_items", "batch_size"),
    [(2, 40, 7), (3, 40, 7), (4, 40, 40), (4, 3, 1), (4, 3, 64), (3, 2, 1)],
)
def test_any_number_of_processes_writes_the_same_bytes(
    make_options: MakeOptions, count: int, num_items: int, batch_size: int
) -> None:
    data = make_options().data.test
    assert data is not None
    items = {f"test-{number}" for number in range(num_items)}
    pairs = [line for line in data.pairs.read_text().splitlines() if {*json.loads(line).values()} - {"0", "1"} <= items]
    Path("pairs.jsonl").write_text("\n".join(pairs))
    options = make_options("data.test.pairs=pairs.jsonl", f"evaluate.batch_size={batch_size}")
    alone = predict(options).file
    expected, figures = alone.read_bytes(), alone.with_suffix(".metrics.json")
    expected_figures = figures.read_bytes() if figures.exists() else None
    alone.unlink()

    def predict_among_others(processes: Processes, folder: Path) -> None:
        prediction = run_prediction(options, processes)
        assert (prediction is not None) == processes.is_first

    in_processes(count, predict_among_others, Path())
    assert len(expected.splitlines()) == len(pairs) > 0
    assert alone.read_bytes() == expected
    assert (figures.read_bytes() if figures.exists() else None) == expected_figures


@pytest.mark.usefixtures("trained")
def test_what_three_processes_have_encoded_two_go_on_with(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "BATCHES_A_ROUND", 1)
    options = make_options("evaluate.batch_size=3")
    whole = predict(options).file
    expected = whole.read_bytes()
    whole.unlink()
    to_first = encode.to_first
    rounds: list[None] = []

    def until_stopped(*arguments: object) -> object:
        rounds.append(None)
        if len(rounds) == 3:
            raise StoppedError("killed")
        return to_first(*arguments)

    def begin(processes: Processes, folder: Path) -> None:
        encode.to_first = until_stopped
        with pytest.raises(StoppedError):
            run_prediction(options, processes)

    def go_on(processes: Processes, folder: Path) -> None:
        batches: list[None] = []
        encode_batch = encode._encode
        encode._encode = lambda *rest: (batches.append(None), encode_batch(*rest))[1]
        run_prediction(options, processes)
        # 14 batches, of which three processes did six; two share the other eight.
        assert len(batches) == 4

    in_processes(3, begin, Path())
    in_processes(2, go_on, Path())
    assert whole.read_bytes() == expected


def program(threshold_width: int) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(SIMILARITY.format(threshold_width=threshold_width), names)
    return names


@pytest.mark.parametrize("threshold_width", [0, 6])
def test_the_similarity_is_the_margin_of_the_models_score(threshold_width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    source, target = (
        ItemEmbedding(
            torch.randn(5, threshold_width, generator=generator, dtype=torch.float64),
            torch.randn(5, 6, generator=generator, dtype=torch.float64),
        )
        for _ in range(2)
    )
    compute = program(threshold_width)["compute"]
    similarities = [compute(a, b) for a, b in zip(pack(source).tolist(), pack(target).tolist(), strict=True)]
    assert similarities == pytest.approx(pair_score(source, target).margin.tolist(), rel=1e-12)


def test_lists_of_plain_numbers_give_a_plain_number() -> None:
    similarity = program(1)["compute"]([2, 3.0], [5, 7.0])
    assert similarity == 3 * 7 - 2 * 5
    assert type(similarity) is float


def test_nothing_needs_to_be_installed() -> None:
    assert "import" not in SIMILARITY
    row = np.full(1024, 0.5).tolist()
    assert math.isclose(program(512)["compute"](row, row), 0.0)
