"""Runs of texts of similar length, each padded for itself."""

import numpy as np
from numpy.typing import NDArray

TOKENS_A_CALL = 64
"""What one more call of a text encoder costs, in tokens that it could read meanwhile."""


def length_runs(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cut N texts into runs that cost least, their order kept: (R, 2), the row after each run and its longest text.

    A run costs TOKENS_A_CALL and its longest text times its number of texts. The best cut of all texts ends in a run
    that follows the best cut of those before it.
    """
    least = np.zeros(len(lengths) + 1, np.int64)
    run_start = np.zeros(len(lengths) + 1, np.int64)
    for end in range(1, len(lengths) + 1):
        longest_from = np.maximum.accumulate(lengths[:end][::-1])[::-1]
        costs = least[:end] + TOKENS_A_CALL + longest_from * np.arange(end, 0, -1)
        run_start[end] = costs.argmin()
        least[end] = costs[run_start[end]]
    runs = []
    end = len(lengths)
    while end:
        runs.append((end, lengths[run_start[end] : end].max()))
        end = int(run_start[end])
    return np.array(runs[::-1], np.int64).reshape(-1, 2)
