import numpy as np
import pytest

from tools.views.reporting.charts.axes import HEIGHT
from tools.views.reporting.charts.drawing import Box, Label, Line, Role
from tools.views.reporting.charts.histogram import score_histogram

MARGINS = np.random.default_rng(0).normal(0, 3, 500)
SAME = np.random.default_rng(1).random(500) < 0.3


def bars(role: Role) -> list[Box]:
    marks = score_histogram(MARGINS, SAME, 0.5).marks
    return [mark for mark in marks if isinstance(mark, Box) and mark.role == role and mark.hint]


@pytest.mark.parametrize(("role", "num_pairs"), [(Role.SAME, SAME.sum()), (Role.DIFFERENT, (~SAME).sum())])
def test_the_bars_of_a_label_hold_all_its_pairs_and_are_as_high_as_their_counts(role: Role, num_pairs: int) -> None:
    counts = [int(bar.hint.split()[0]) for bar in bars(role)]
    assert sum(counts) == num_pairs
    heights = np.array([bar.height for bar in bars(role)])
    np.testing.assert_allclose(heights / np.array(counts), heights[0] / counts[0])


def test_the_threshold_line_divides_the_bars_as_the_threshold_divides_the_pairs() -> None:
    drawing = score_histogram(MARGINS, SAME, 0.5)
    line = next(mark for mark in drawing.marks if isinstance(mark, Line) and mark.dashed)
    x = line.points[0][0]
    below = sum(int(bar.hint.split()[0]) for bar in bars(Role.SAME) if bar.left + bar.width <= x)
    up_to = sum(int(bar.hint.split()[0]) for bar in bars(Role.SAME) if bar.left <= x)
    assert below <= (MARGINS[SAME] <= 0.5).sum() <= up_to
    assert any(isinstance(mark, Label) and mark.text == "0.5" for mark in drawing.marks)
    assert "0.5" in drawing.description


@pytest.mark.parametrize("margins", [np.zeros(3), np.array([1e9, 1e9, 1e9])])
def test_equal_margins_of_one_label_have_a_chart_too(margins: np.ndarray) -> None:
    drawing = score_histogram(margins, np.ones(3, np.bool_), float(margins[0]))
    (bar,) = [mark for mark in drawing.marks if isinstance(mark, Box) and mark.hint]
    assert 0 < bar.top < HEIGHT
