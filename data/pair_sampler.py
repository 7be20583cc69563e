"""Which pairs and items come when: pure functions of seed, position and process."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler


@lru_cache(maxsize=2)
def pair_order(seed: int, epoch: int, num_pairs: int) -> NDArray[np.int64]:
    """Return the order of the pairs in an epoch: (num_pairs,)."""
    return np.random.default_rng((seed, epoch)).permutation(num_pairs)


def pairs_at(seed: int, first: int, count: int, num_pairs: int) -> NDArray[np.int64]:
    """Return `count` pairs from position `first` of the endless sequence of epochs on."""
    positions = np.arange(first, first + count)
    epochs, places = np.divmod(positions, num_pairs)
    return np.array([pair_order(seed, int(e), num_pairs)[p] for e, p in zip(epochs, places, strict=True)])


@dataclass(frozen=True)
class LabelShares:
    """How many pairs of each label a batch has."""

    positives: NDArray[np.int64]
    """Numbers of the pairs that are labelled the same"""
    negatives: NDArray[np.int64]
    """Numbers of the others"""
    num_positives: int
    """In each batch"""


@dataclass(frozen=True)
class TrainingOrder(Sampler[list[int]]):
    """The batches of one process, from a step on; every step takes the same pairs on any number of processes.

    A step consumes accumulate x processes x batch_size pairs of the sequence. Its r-th process takes the
    r-th run of batch_size pairs of each of the `accumulate` stretches. With shares the pairs of each label are a
    sequence of their own, of which a batch takes the next ones.
    """

    seed: int
    num_pairs: int
    batch_size: int
    accumulate: int
    rank: int
    num_processes: int
    first_step: int
    last_step: int
    shares: LabelShares | None = None

    def __len__(self) -> int:
        return (self.last_step - self.first_step) * self.accumulate

    def __iter__(self) -> Iterator[list[int]]:
        stretch = self.batch_size * self.num_processes
        for number in range(self.first_step * self.accumulate, self.last_step * self.accumulate):
            first = number * stretch + self.rank * self.batch_size
            if self.shares is None:
                yield pairs_at(self.seed, first, self.batch_size, self.num_pairs).tolist()
            else:
                yield self._by_label(self.shares, number * self.num_processes + self.rank)

    def _by_label(self, shares: LabelShares, batch: int) -> list[int]:
        pairs: list[int] = []
        counts = (shares.num_positives, self.batch_size - shares.num_positives)
        for label, (of_label, count) in enumerate(zip((shares.positives, shares.negatives), counts, strict=True)):
            places = pairs_at(self.seed + label, batch * count, count, len(of_label))
            pairs += of_label[places].tolist()
        return pairs


def encoding_batches(token_lengths: NDArray[np.int64], batch_size: int) -> list[list[int]]:
    """Cut all items into batches of similar text length, the longest first, so that little is padding."""
    rows = np.argsort(-token_lengths, kind="stable").tolist()
    return [rows[first : first + batch_size] for first in range(0, len(rows), batch_size)]


def share(batches: list[list[int]], rank: int, num_processes: int) -> list[list[int]]:
    """Return the batches of one process: each batch goes to exactly one, nothing is repeated or padded."""
    return batches[rank::num_processes]
