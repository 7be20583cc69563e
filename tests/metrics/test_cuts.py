import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.cuts import LARGEST, Cuts, sort_pairs

PAIRS = st.lists(st.tuples(st.sampled_from([-2.0, -0.5, 0.0, 0.5, 3.0]), st.booleans()), min_size=1, max_size=12)


def cuts_of(pairs: list[tuple[float, bool]], multiplicity: list[int] | None = None) -> Cuts:
    margins, same = zip(*pairs, strict=True)
    counts = np.array(multiplicity) if multiplicity is not None else None
    return sort_pairs(np.array(margins), np.array(same)).cuts(counts)


@given(PAIRS.filter(lambda pairs: any(same for _, same in pairs)), st.data())
def test_each_threshold_takes_the_pairs_that_its_cut_counts(
    pairs: list[tuple[float, bool]], data: st.DataObject
) -> None:
    multiplicity = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    cuts = cuts_of(pairs, multiplicity)
    repeated = [pair for pair, count in zip(pairs, multiplicity, strict=True) for _ in range(count)]
    assert cuts.num_positives == sum(same for _, same in repeated)
    assert len(cuts.num_hits) == len({margin for margin, _ in pairs}) + 1
    for cut, (predicted, hits) in enumerate(zip(cuts.num_predicted, cuts.num_hits, strict=True)):
        taken = [same for margin, same in repeated if margin > cuts.threshold(cut)]
        assert (len(taken), sum(taken)) == (predicted, hits)


def test_thresholds_lie_midway_and_1_beyond_the_ends() -> None:
    cuts = cuts_of([(3.0, True), (1.0, False)])
    assert [cuts.threshold(cut) for cut in range(3)] == [4.0, 2.0, 0.0]


@pytest.mark.parametrize("margin", [1e300, -1e300, LARGEST])
def test_thresholds_separate_margins_between_which_floats_are_sparse(margin: float) -> None:
    below = math.nextafter(margin, -math.inf)
    cuts = cuts_of([(margin, True), (below, False)])
    assert not margin > cuts.threshold(0)
    assert margin > cuts.threshold(1) >= below
    assert below > cuts.threshold(2)
