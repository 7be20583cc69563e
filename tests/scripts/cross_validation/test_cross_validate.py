import copy
import sys
from pathlib import Path

import pytest

from options.yaml_values import to_yaml
from scripts.cross_validate import main
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


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cross_validate.py", *arguments])
    main()


def test_option_files_are_compared_and_what_was_trained_is_not_trained_again(
    option_files: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*option_files, "--folds", "2", "--seeds", "0", "1", "--replicates", "50", "train.steps=2"]
    run(monkeypatch, *arguments)
    printed = capsys.readouterr().out
    assert "90 pairs" in printed
    assert [line.split()[0] for line in printed.splitlines()[-2:]] == ["first", "second"]
    kept = sorted(path.name for path in Path("experiments").iterdir())
    assert kept == ["first.cross_validation", "second.cross_validation"]
    monkeypatch.setattr("scripts.cross_validation.runs.run_training", lambda *_: pytest.fail("trained again"))
    run(monkeypatch, *arguments)
    assert capsys.readouterr().out == printed


def test_splits_of_different_items_are_refused(
    tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.yml").write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, str(tmp_path / "tiny.yml"))
    assert ended.value.code == 2
    assert "of the same items and images" in capsys.readouterr().err
