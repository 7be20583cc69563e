import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tiny_data import write_tiny_dataset

if TYPE_CHECKING:
    from tests.exported_encoder import ExportedRun
    from tests.trained_run import Trained

# The hub's client reads this when it is imported; no test waits for a network.
os.environ["HF_HUB_OFFLINE"] = "1"
# A process that a test forks would wait for ever for the threads of a tokenizer that its parent has used.
os.environ["TOKENIZERS_PARALLELISM"] = "false"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups, each of which one process works off, so that none is begun when all else is done."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train, val and test of 40 items each; not to be changed (copy it first)."""
    return write_tiny_dataset(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture(scope="session")
def exported_run(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> "ExportedRun":
    """A tiny run and its exported encoder; not to be changed (copy it first)."""
    from tests.exported_encoder import make_exported_run

    return make_exported_run(tmp_path_factory.mktemp("exported"), tiny_dataset)


@pytest.fixture(scope="session")
def trained(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> "Trained":
    """Trains a tiny run once for each choice of overrides and returns its folder; not to be changed (copy it first)."""
    from tests.trained_run import trained_runs

    return trained_runs(tiny_dataset, tmp_path_factory)
