from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.index.measure import figures_table, measure
from benchmarks.index.workload import LATENT, SyntheticCatalogue, Workload, drawn_workload, own_workload
from options.errors import UserError
from tests.tiny_embeddings import numbers, write_embeddings
from tools.catalogue.embedding_folder import open_embeddings, write_embeddings_record


def assert_looking_everywhere_is_as_good_as_exact(workload: Workload) -> None:
    exact = measure(workload, "flat", [])
    rough = measure(workload, "ivf_sq8", [1, 400])
    assert exact.searches[0].recall == 1
    assert rough.searches[0].recall < rough.searches[1].recall
    assert rough.searches[1].recall > 0.99
    assert rough.index_bytes < exact.index_bytes
    table = figures_table([exact, rough]).splitlines()
    assert [line.split()[0] for line in table[2:]] == ["flat", "ivf_sq8", "ivf_sq8"]
    assert table[2].endswith("1.0")


def test_drawn_embeddings_are_measured(tmp_path: Path) -> None:
    catalogue = SyntheticCatalogue(400, half_width=LATENT)
    assert_looking_everywhere_is_as_good_as_exact(drawn_workload(tmp_path, catalogue, 20))


def test_own_embeddings_are_measured_with_some_of_their_items_as_queries(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    write_embeddings(folder, numbers(400))
    workload = own_workload(tmp_path / "out", folder, 20)
    np.testing.assert_array_equal(np.load(workload.queries), open_embeddings(folder).sample(20))
    assert_looking_everywhere_is_as_good_as_exact(workload)


def test_lists_are_those_of_the_embeddings_and_not_of_an_earlier_run_in_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert_looking_everywhere_is_as_good_as_exact(drawn_workload(out, SyntheticCatalogue(400, half_width=LATENT), 20))
    write_embeddings(tmp_path / "own", numbers(400))
    assert_looking_everywhere_is_as_good_as_exact(own_workload(out, tmp_path / "own", 20))


def test_an_empty_folder_of_embeddings_is_refused(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "own", numbers(1))
    write_embeddings_record(embeddings.path, replace(embeddings.record, num_items=0))
    with pytest.raises(UserError, match="num_items Input should be greater than or equal to 1"):
        own_workload(tmp_path / "out", tmp_path / "own", 20)
