from dataclasses import replace

import numpy as np

from tests.tools.views.reporting.synthetic import invented_report
from tools.views.reporting.groups import figures_by_threshold, grouped

DATA = invented_report(num_pairs=60)
NAMES = [f"group {pair % 3 if pair < 50 else pair}" for pair in range(60)]


def test_each_group_has_the_figures_of_its_pairs_alone() -> None:
    groups = grouped(DATA, NAMES, "others", most=3)
    assert [name for name, _ in groups] == ["group 0", "group 1", "group 2", "10 others"]
    for number, (_, figures) in enumerate(groups[:3]):
        rows = [pair for pair in range(50) if pair % 3 == number]
        decided, same = DATA.pairs.margin[rows] > 0.25, DATA.pairs.same[rows]
        assert figures.num_pairs == len(rows)
        assert figures.num_positives_predicted == decided.sum()
        assert figures.num_hits == np.sum(decided & same)
        assert figures.accuracy == np.mean(decided == same)


def test_the_rest_is_taken_together_so_that_no_pair_is_lost() -> None:
    assert grouped(DATA, NAMES, "others", most=3)[-1][1].num_pairs == 10
    groups = grouped(DATA, NAMES, "others", most=13)
    assert len(groups) == 13
    assert sum(figures.num_pairs for _, figures in groups) == 60


def test_the_best_threshold_is_told_of_other_pairs_than_those_of_the_calibration() -> None:
    fitted = replace(DATA, is_fitted=True)
    assert list(figures_by_threshold(fitted)) == ["best possible: calibrated on these pairs", "the loss's own"]
    assert list(figures_by_threshold(DATA))[::2] == [
        "calibrated on the validation pairs",
        "best possible on these pairs",
    ]
