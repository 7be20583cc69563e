"""A picture with regions of it covered.

Letters of shapes: S pixels of width and height.
"""

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from tools.views.explaining.parts import Kind, Part, Side

Picture = NDArray[np.uint8]
"""(S, S, 3), red green blue"""


def cell_bounds(size: int, grid: int) -> list[tuple[int, int]]:
    """Return where each of the grid's rows (or columns) begins and ends in `size` pixels; none is empty."""
    edges = [round(cell * size / grid) for cell in range(grid + 1)]
    return list(pairwise(edges))


def with_regions_covered(side: Side, picture: Picture, grid: int) -> Iterator[tuple[Part, Picture]]:
    """Yield the picture with each cell of a grid in the picture's mean colour, row by row, then the whole of it so.

    The mean colour takes a region's detail away without putting an edge of foreign light there.
    """
    mean = picture.mean(axis=(0, 1)).round().astype(np.uint8)
    bounds = cell_bounds(len(picture), grid)
    for row, column in product(range(grid), repeat=2):
        covered = picture.copy()
        covered[slice(*bounds[row]), slice(*bounds[column])] = mean
        yield Part(side, Kind.REGION, f"row {row + 1}, column {column + 1}", (row, column)), covered
    yield Part(side, Kind.PICTURE, "whole picture"), np.broadcast_to(mean, picture.shape)
