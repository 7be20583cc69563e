import os
from pathlib import Path

import pytest

from tests.tiny_data import write_tiny_dataset

# The hub's client reads this when it is imported; no test waits for a network.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train, val and test of 40 items each; not to be changed (copy it first)."""
    return write_tiny_dataset(tmp_path_factory.mktemp("tiny") / "data")
