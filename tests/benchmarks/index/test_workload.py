from pathlib import Path

import numpy as np
import pytest

from benchmarks.index.workload import LATENT, SyntheticCatalogue, write_synthetic
from options.errors import UserError
from tests.tiny_embeddings import margins
from tools.catalogue.embedding_folder import open_embeddings


def test_listings_of_a_product_have_high_margins_and_others_low_ones() -> None:
    catalogue = SyntheticCatalogue(600, half_width=LATENT)
    packed = np.concatenate(list(catalogue.blocks(100)))
    values, products = margins(packed, packed, LATENT), catalogue.products()
    same = products[:, None] == products[None, :]
    np.fill_diagonal(same, False)
    other = products[:, None] // 4 != products[None, :] // 4
    assert np.median(values[same]) > 5
    assert np.median(values[other]) < -10


def test_embeddings_have_a_low_effective_rank() -> None:
    packed = np.concatenate(list(SyntheticCatalogue(1000, half_width=256).blocks(1000)))
    shares = np.linalg.svd(packed - packed.mean(axis=0), compute_uv=False) ** 2
    shares /= shares.sum()
    assert np.exp(-(shares * np.log(shares)).sum()) < 150  # of 512 numbers


def test_equal_settings_draw_equal_numbers_and_queries_are_new_listings() -> None:
    catalogue = SyntheticCatalogue(50, half_width=LATENT)
    first, again = (np.concatenate(list(catalogue.blocks(50))) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    queries = catalogue.queries(5)
    assert queries.shape == (5, 2 * LATENT)
    assert not (queries[:, None] == first[None]).all(axis=2).any()
    # Each is most like a listing of some product of the catalogue.
    assert (margins(queries, first, LATENT).max(axis=1) > 0).all()


def test_halves_that_are_too_narrow_are_refused() -> None:
    with pytest.raises(UserError, match=f"at least {LATENT} numbers, not 8"):
        SyntheticCatalogue(10, half_width=8)


def test_what_is_drawn_is_written_once(tmp_path: Path) -> None:
    catalogue = SyntheticCatalogue(40, half_width=LATENT)
    write_synthetic(tmp_path, catalogue)
    times = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    folder = write_synthetic(tmp_path, catalogue)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == times
    assert folder.record == open_embeddings(tmp_path).record
