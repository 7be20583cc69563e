import numpy as np
import pytest

from tools.views.explaining.regions import cell_bounds, with_regions_covered


@pytest.mark.parametrize(("size", "grid"), [(32, 6), (7, 7), (384, 5), (10, 1)])
def test_cells_cover_the_picture_without_gaps_and_none_is_empty(size: int, grid: int) -> None:
    bounds = cell_bounds(size, grid)
    assert len(bounds) == grid
    assert [pixel for start, end in bounds for pixel in range(start, end)] == list(range(size))
    assert all(start < end for start, end in bounds)


def test_each_cell_and_then_the_whole_gets_the_mean_colour() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    variants = list(with_regions_covered("source", picture, 2))
    mean = picture.reshape(-1, 3).mean(axis=0).round()
    assert [part.place for part, _ in variants] == [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0)]
    upper_right = variants[1][1]
    assert (upper_right[:2, 2:] == mean).all()
    assert (upper_right[2:] == picture[2:]).all()
    assert (upper_right[:, :2] == picture[:, :2]).all()
    assert (variants[-1][1] == mean).all()
