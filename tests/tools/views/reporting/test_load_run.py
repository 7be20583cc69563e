import json
from pathlib import Path

import pytest
import torch

from data.loading import load_split
from engine.disk import write_json
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.run_folder import RunFolder
from engine.trainer import run_training
from options.errors import UserError
from options.read import read_options
from options.yaml_values import to_yaml
from tests.tiny_data import option_tree
from tools.views.reporting.load_run import MOST_POINTS, find_run, load_report_data, read_course
from tools.views.reporting.report_data import ReportData

ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_dataset: Path) -> Path:
    """A folder in which a tiny run was trained, as experiments/tiny."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.yml").write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = read_options(ExperimentOptions, Path("tiny.yml"), ["log.tensorboard=false"])
        run_training(options, "train.py tiny.yml", ALONE)
    return folder


@pytest.fixture
def folder(trained: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.chdir(trained)
    return find_run("tiny")


def load(folder: RunFolder, split: str = "val") -> ReportData:
    data = load_report_data(folder, split, ALONE)
    assert data is not None
    return data


def test_a_run_is_found_by_its_name_and_by_its_folder(folder: RunFolder) -> None:
    assert find_run("experiments/tiny").root.resolve() == folder.root.resolve()
    with pytest.raises(UserError, match="no_such_run"):
        find_run("no_such_run")


def test_the_decisions_are_those_of_the_run_s_own_evaluation(folder: RunFolder) -> None:
    data = load(folder)
    recorded = json.loads(folder.result.read_text())
    assert data.calibrated_threshold == recorded["best_possible_threshold"]
    assert data.own_threshold == recorded["threshold"]
    hits = int((data.decided_same & data.pairs.same).sum())
    assert 2 * hits / (data.decided_same.sum() + data.pairs.same.sum()) == pytest.approx(recorded["best_possible_f1"])
    assert data.intervals is not None
    assert data.intervals.keys() == {"f1", "precision", "recall"}
    low, high = data.intervals["f1"]
    assert low < recorded["best_possible_f1"] < high
    assert len(data.run.course["best_possible_f1"])
    assert data.run.commands == "train.py tiny.yml\n"
    assert "torch" in str(data.run.environment)


def test_the_pairs_are_those_of_the_split_in_the_order_of_their_file(folder: RunFolder) -> None:
    options = read_options(ExperimentOptions, folder.options)
    assert options.data.test is not None
    split = load_split(options.data.test, options.data, options.reads, labelled=True)
    data = load(folder, "test")
    assert data.pairs.same.tolist() == (split.pairs.same if split.pairs.same is not None else split.pairs).tolist()
    assert [data.catalog[row].item_id for row in data.pairs.source[:3]] == [
        split.catalog[row].item_id for row in split.pairs.source[:3]
    ]


def test_a_run_without_an_evaluation_says_what_to_do(folder: RunFolder, tmp_path: Path) -> None:
    bare = RunFolder(tmp_path / "bare")
    bare.root.mkdir()
    bare.options.write_bytes(folder.options.read_bytes())
    with pytest.raises(UserError, match="no best checkpoint yet"):
        load_report_data(bare, "val", ALONE)


def test_pairs_without_labels_are_refused(folder: RunFolder, tmp_path: Path) -> None:
    options = read_options(ExperimentOptions, folder.options)
    assert options.data.test is not None
    unlabelled = tmp_path / "pairs.jsonl"
    lines = options.data.test.pairs.read_text(encoding="utf-8").splitlines()
    unlabelled.write_text("".join(json.dumps(_without_label(json.loads(line))) + "\n" for line in lines))
    tree = json.loads(options.model_dump_json())
    tree["data"]["test"]["pairs"] = str(unlabelled)
    copied = RunFolder(tmp_path / "copied")
    write_json(copied.options, tree)  # JSON is YAML
    copied.checkpoints.symlink_to(folder.checkpoints.resolve())
    with pytest.raises(UserError, match=r"data\.test\.pairs"):
        load_report_data(copied, "test", ALONE)


def test_every_figure_has_its_curve_and_broken_lines_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2, "f1": 0.5}\n{"loss": 9}\n{"step": 3, "lo')
    course = read_course(file)
    assert course["loss"].tolist() == [[1, 2.5], [2, 2]]
    assert course["f1"].tolist() == [[2, 0.5]]
    assert "gradient_norm" not in course


def test_numbers_that_no_curve_can_show_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    huge = "9" * 400
    wrong = [f'{{"step": {step}, "loss": 1}}' for step in (huge, "1e999", "true", '"1"', "null")]
    wrong += [f'{{"step": 1, "loss": {loss}}}' for loss in (huge, f"-{huge}", "1e999", "NaN", "true", '"1"')]
    file.write_text("\n".join([*wrong, '{"step": 1, "loss": 2.5}']))
    assert {name: curve.tolist() for name, curve in read_course(file).items()} == {"loss": [[1, 2.5]]}


@pytest.mark.parametrize("text", ["{", "[]", "1"])
def test_a_damaged_record_of_the_environment_is_named(folder: RunFolder, text: str) -> None:
    before = folder.environment.read_text()
    folder.environment.write_text(text)
    try:
        with pytest.raises(UserError, match=r"environment\.json: is damaged: .*; remove it"):
            load(folder)
    finally:
        folder.environment.write_text(before)


def test_a_step_that_was_evaluated_anew_has_its_last_figures_whatever_they_were_called(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1, "calibrated_f1": 0.5}\n{"step": 2, "best_possible_f1": 0.6}\n'
                    '{"step": 1, "best_possible_f1": 0.25}\n')  # fmt: skip
    assert read_course(file)["best_possible_f1"].tolist() == [[1, 0.25], [2, 0.6]]


def test_without_the_file_there_are_no_curves(tmp_path: Path) -> None:
    assert read_course(tmp_path / "metrics.jsonl") == {}


def test_a_long_curve_is_thinned_and_keeps_its_last_point(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text("".join(f'{{"step": {step}, "loss": {step}}}\n' for step in range(2501)))
    curve = read_course(file)["loss"]
    assert MOST_POINTS / 2 < len(curve) <= MOST_POINTS
    assert curve[-1].tolist() == [2500, 2500]


def _without_label(pair: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in pair.items() if name != "item_label"}
