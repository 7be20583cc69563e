import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from metrics.ranking import ranking_metrics

PAIRS = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60)
"""Few distinct margins, hence many ties."""


def highest_recall(margins: np.ndarray, same: np.ndarray, precision: float) -> float:
    precisions, recalls, _ = precision_recall_curve(same, margins)
    return float(max(recalls[:-1][precisions[:-1] >= precision], default=0.0))


@given(PAIRS)
def test_the_figures_are_those_of_scikit_learn_with_ties(pairs: list[tuple[int, bool]]) -> None:
    margins = np.array([margin for margin, _ in pairs], np.float64)
    same = np.array([label for _, label in pairs], np.bool_)
    found = ranking_metrics(margins, same)
    if same.all() or not same.any():
        assert found is None
        return
    assert found is not None
    assert found.average_precision == pytest.approx(average_precision_score(same, margins), abs=1e-12)
    assert found.roc_auc == pytest.approx(roc_auc_score(same, margins), abs=1e-12)
    assert found.recall_at_precision_90 == pytest.approx(highest_recall(margins, same, 0.9), abs=1e-12)
    assert found.recall_at_precision_95 == pytest.approx(highest_recall(margins, same, 0.95), abs=1e-12)


def test_figures_by_hand() -> None:
    found = ranking_metrics(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    assert found is not None
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert found.roc_auc == 3.5 / 4
    assert found.recall_at_precision_90 == 0.5


def test_margins_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        ranking_metrics(np.array([np.nan, 1.0]), np.array([True, False]))
