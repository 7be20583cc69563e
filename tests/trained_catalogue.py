"""A trained run whose test items are embedded and indexed."""

import shutil
from pathlib import Path

import pytest

from engine.experiment import ExperimentOptions
from options.read import read_options
from tests.tiny_data import AGREEMENT
from tests.trained_run import ALONE, Trained
from tools.catalogue.embedder import EmbeddingJob, run_embedding
from tools.catalogue.embedding_folder import open_embeddings
from tools.catalogue.index_sync import IndexChoice, synchronise


@pytest.fixture(scope="module")
def trained_catalogue(trained: Trained, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained run, the embeddings of the test items (e) and their index (i)."""
    folder = tmp_path_factory.mktemp("catalogue") / "work"
    shutil.copytree(trained(AGREEMENT).parents[1], folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = read_options(ExperimentOptions, Path("tiny.yml"), [AGREEMENT])
        items = tiny_dataset / "item_test_info.jsonl"
        run_embedding(options, EmbeddingJob(items, tiny_dataset / "images", Path("e"), "float32", 16), ALONE)
        synchronise(open_embeddings(Path("e")), Path("i"), IndexChoice())
    return folder


@pytest.fixture
def catalogue_folder(trained_catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That folder, the current one."""
    monkeypatch.chdir(trained_catalogue)
    return trained_catalogue
