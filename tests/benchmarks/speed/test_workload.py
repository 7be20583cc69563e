from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.speed.models import workload_options, workload_split
from benchmarks.speed.settings import PREDICTED_ITEMS, PREDICTED_PAIRS, TINY
from benchmarks.speed.workload import WorkloadSize, pair_ends, write_workload


def test_pairs_are_those_of_the_real_test_split() -> None:
    ends = pair_ends(PREDICTED_ITEMS, PREDICTED_PAIRS, 0)
    assert ends.shape == (PREDICTED_PAIRS, 2)
    counts = np.bincount(ends.ravel(), minlength=PREDICTED_ITEMS)
    assert counts.min() == 1
    assert (counts <= 2).mean() > 0.7
    assert (ends[:, 0] != ends[:, 1]).all()


@pytest.mark.parametrize("items", [2, 3, 8])
def test_no_item_is_paired_with_itself_in_small_workloads(items: int) -> None:
    for seed in range(20):
        ends = pair_ends(items, items, seed)
        assert (ends[:, 0] != ends[:, 1]).all()
        assert np.unique(ends).size == items


def test_too_few_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="3 pairs cannot name 7 items"):
        pair_ends(7, 3, 0)


def test_a_workload_is_read_by_the_framework(tmp_path: Path) -> None:
    file = write_workload(tmp_path / "workload", TINY, WorkloadSize(12, 11, distinct_photos=5), 0)
    split = workload_split(workload_options(file))
    assert len(split.catalog) == 12
    assert len(split.pairs) == 11
    photos = sorted((tmp_path / "workload" / "images").iterdir())
    assert len(photos) == 5
    assert len({photo.read_bytes() for photo in photos}) == 5
    with Image.open(photos[0]) as photo:
        assert photo.size == (TINY.photo_size, TINY.photo_size)
    lengths = split.items.token_lengths()
    assert 5 < lengths.mean() < 100
    assert len({*lengths.tolist()}) > 1
