import copy
import json
from pathlib import Path

import pytest

from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.trainer import TrainingResult, run_training
from options.yaml_values import to_yaml
from tests.command_line import Ended, run_command
from tests.tiny_data import option_tree, write_lines


@pytest.fixture
def option_files(tmp_path: Path, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two option files whose training and validation pairs are of one item file."""
    monkeypatch.chdir(tmp_path)
    tree = option_tree(tiny_dataset)
    tree["data"]["val"] = {**tree["data"]["train"], "pairs": str(tmp_path / "val.jsonl")}
    lines = (tiny_dataset / "item_train_pair.jsonl").read_text().splitlines()
    (tmp_path / "val.jsonl").write_text("\n".join(lines[::2]) + "\n")
    write_lines(tmp_path / "val_kind.jsonl", [{"kind": "easy"}] * len(lines[::2]))
    files = []
    for name in ("first", "second"):
        (tmp_path / f"{name}.yml").write_text(to_yaml({**copy.deepcopy(tree), "name": name}), encoding="utf-8")
        files.append(f"{name}.yml")
    return files


def run(*arguments: str) -> Ended:
    ended = run_command("study", "cross-validate", *arguments)
    assert ended.status == 0, ended.stderr
    return ended


def test_option_files_are_compared_and_what_was_trained_is_not_trained_again(
    option_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [*option_files, "--folds", "2", "--seeds", "0", "1", "--replicates", "50", "train.steps=2"]
    printed = run(*arguments).stdout
    assert "90 pairs" in printed
    assert [line.split()[0] for line in printed.splitlines()[-2:]] == ["first", "second"]
    kept = sorted(path.name for path in Path("experiments").iterdir())
    assert kept == ["first.cross_validation", "second.cross_validation"]
    monkeypatch.setattr("tools.study.cross_validation.run_training", lambda *_: pytest.fail("trained again"))
    assert run(*arguments).stdout == printed


SHORT = ("--folds", "2", "--seeds", "0", "--replicates", "50", "train.steps=2")


def flip_first_label(file: Path) -> None:
    first, rest = file.read_text().split("\n", 1)
    record = json.loads(first)
    file.write_text(json.dumps({**record, "item_label": str(1 - int(record["item_label"]))}) + "\n" + rest)


def retitle_first_item(file: Path) -> None:
    first, rest = file.read_text(encoding="utf-8").split("\n", 1)
    file.write_text(json.dumps({**json.loads(first), "title": "another"}) + "\n" + rest, encoding="utf-8")


def count_trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    trained: list[str] = []

    def noted(options: ExperimentOptions, command: str, processes: Processes) -> TrainingResult:
        trained.append(options.name)
        return run_training(options, command, processes)

    monkeypatch.setattr("tools.study.cross_validation.run_training", noted)
    return trained


def test_folds_of_other_labels_or_items_are_trained_again(
    option_files: list[str], tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    items = tmp_path / "items.jsonl"
    items.write_bytes((tiny_dataset / "item_train_info.jsonl").read_bytes())
    arguments = [option_files[0], *SHORT, f"data.train.items={items}", f"data.val.items={items}"]
    run(*arguments)
    trained = count_trainings(monkeypatch)
    flip_first_label(tmp_path / "val.jsonl")
    assert "trained again" in run(*arguments).stderr
    assert 1 <= len(trained) <= 2
    trained.clear()
    retitle_first_item(items)
    run(*arguments)
    assert len(trained) == 2


def test_runs_of_earlier_versions_are_known_by_their_pairs(
    option_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(option_files[0], *SHORT)
    for file in Path("experiments").rglob("run.json"):
        file.write_text('{"seconds": 1.5}')
    trained = count_trainings(monkeypatch)
    run(option_files[0], *SHORT)
    assert trained == []
    flip_first_label(tmp_path / "val.jsonl")
    run(option_files[0], *SHORT)
    assert trained != []


def test_option_files_of_other_pairs_are_refused_before_any_training(
    option_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.jsonl").write_bytes((tmp_path / "val.jsonl").read_bytes())
    flip_first_label(tmp_path / "other.jsonl")
    text = Path(option_files[1]).read_text(encoding="utf-8")
    Path(option_files[1]).write_text(text.replace("val.jsonl", "other.jsonl"), encoding="utf-8")
    monkeypatch.setattr("tools.study.cross_validation.run_training", lambda *_: pytest.fail("trained"))
    ended = run_command("study", "cross-validate", *option_files, *SHORT)
    assert ended.status == 2
    assert "second: has other pairs or labels than first" in ended.stderr


def test_splits_of_different_items_are_refused(
    tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.yml").write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    ended = run_command("study", "cross-validate", tmp_path / "tiny.yml")
    assert ended.status == 2
    assert "of the same items and images" in ended.stderr
