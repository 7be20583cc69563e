import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.experiment import ExperimentOptions
from options.read import read_options
from options.yaml_values import to_yaml
from tests.tiny_data import option_tree

MakeOptions = Callable[..., ExperimentOptions]


@pytest.fixture
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one, so that experiments/ is made in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def make_options(work_folder: Path, tiny_dataset: Path) -> MakeOptions:
    """Make the options of a tiny run, with overrides as on the command line; the file is tiny.yml."""

    def make(*overrides: str, change: Callable[[dict[str, Any]], None] | None = None) -> ExperimentOptions:
        tree = copy.deepcopy(option_tree(tiny_dataset))
        if change is not None:
            change(tree)
        file = work_folder / "tiny.yml"
        file.write_text(to_yaml(tree), encoding="utf-8")
        return read_options(ExperimentOptions, file, overrides)

    return make
