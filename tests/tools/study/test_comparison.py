from dataclasses import replace

import numpy as np
import pytest

from metrics.verification import verification_metrics
from options.errors import UserError
from tests.tools.study.conftest import validation_of
from tools.study.comparison import compare, comparison_lines
from tools.study.systems import System


def system(name: str, quality: float, seed: int = 0, num_pairs: int = 1000) -> System:
    scores = validation_of(num_pairs, seed, quality)
    return System(name, scores.pair_ids, scores.same, (scores.margin > 0)[None])


def test_figures_and_differences_are_those_of_the_decisions() -> None:
    first, second = system("first", 2.0), system("second", 3.0)
    found = [verification_metrics(np.where(each.predicted[0], 1.0, -1.0), each.same, 0.0) for each in (first, second)]

    figures = compare([first, second], 200, 0).figures

    assert [(figure.system, figure.figure) for figure in figures] == [
        (name, figure) for name in ("first", "second") for figure in ("f1", "precision", "recall")
    ]
    assert [figure.value for figure in figures[::3]] == [found[0].f1, found[1].f1]
    assert figures[0].difference is None
    assert figures[3].difference == found[1].f1 - found[0].f1
    for figure in figures:
        assert figure.interval.low < figure.value < figure.interval.high
    for figure in figures[3:]:
        assert figure.difference is not None
        assert figure.difference_interval is not None
        assert figure.difference_interval.low < figure.difference < figure.difference_interval.high


def test_a_better_system_is_distinguishable_and_one_as_good_is_not() -> None:
    lines = comparison_lines(compare([system("a", 2.0), system("b", 4.0), system("c", 2.0, seed=1)], 300, 0))
    of_f1 = {line.split()[0]: line for line in lines if " F1 " in line}
    assert "not distinguishable" not in of_f1["a"] + of_f1["b"]
    assert "not distinguishable" in of_f1["c"]
    assert lines[0].startswith("1,000 pairs in ")


def test_figures_of_several_runs_are_their_means() -> None:
    runs = [system("first", 2.0, seed) for seed in range(3)]
    together = replace(runs[0], predicted=np.concatenate([run.predicted for run in runs]))
    other = system("other", 3.0)
    found = {(figure.system, figure.figure): figure for figure in compare([together, other], 200, 0).figures}
    each = [compare([run, other], 200, 0).figures for run in runs]
    for place, name in enumerate(("f1", "precision", "recall")):
        figure = found["first", name]
        assert figure.num_runs == 3
        assert figure.value == pytest.approx(np.mean([figures[place].value for figures in each]))
        assert figure.interval.low < figure.value < figure.interval.high
        difference = found["other", name].difference
        assert difference == pytest.approx(found["other", name].value - figure.value)
        assert found["other", name].num_runs == 1


def test_runs_that_vary_widen_the_interval_and_may_hide_a_difference() -> None:
    lucky, unlucky = system("a", 4.0), system("a", 1.0)
    mixed = replace(lucky, predicted=np.concatenate([lucky.predicted, unlucky.predicted, lucky.predicted]))
    steady, varying = (compare([first, system("b", 2.0)], 300, 0).figures[3] for first in (lucky, mixed))
    assert steady.is_distinguishable
    assert not varying.is_distinguishable


def test_the_columns_are_aligned() -> None:
    lines = comparison_lines(compare([system("a", 2.0), system("longer name", 4.0)], 50, 0))
    places = {line.index(" to ") for line in lines[2:]}
    assert len(places) == 1


def test_a_system_scored_on_other_pairs_is_refused_by_the_first_difference() -> None:
    first = system("first", 2.0)
    ids = list(first.pair_ids)
    ids[4] = ("x", "y")
    with pytest.raises(UserError, match=r"other pairs than first: pair 5 is items x and y, there items item"):
        compare([first, replace(first, name="other", pair_ids=ids)], 10, 0)
    labels = first.same.copy()
    labels[7] ^= True
    with pytest.raises(UserError, match=r"scored on other labels than first: pair 8, items .* is labelled"):
        compare([first, replace(first, name="other", same=labels)], 10, 0)
    shorter = System("other", first.pair_ids[:-1], first.same[:-1], first.predicted[:, :-1])
    with pytest.raises(UserError, match="it has 999, there are 1000"):
        compare([first, shorter], 10, 0)
