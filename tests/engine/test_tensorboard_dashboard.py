import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from engine.evaluation_view import EvaluationView
from engine.tensorboard_dashboard import TensorboardDashboard
from metrics.precision_recall import precision_recall_curve

MARGINS = np.array([2.0, 1.0, -1.0, 0.5])
SAME = np.array([True, True, False, False])
PICTURES = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)


def view(
    pictures: np.ndarray | None = PICTURES, caption: str = "margin 1\n花瓶 <b>![](x)</b>\n\nmargin 2"
) -> EvaluationView:
    curve = precision_recall_curve(MARGINS, SAME)
    return EvaluationView(MARGINS[SAME], MARGINS[~SAME], curve, caption, pictures)


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


@pytest.fixture
def events(tmp_path: Path) -> EventAccumulator:
    board = TensorboardDashboard(tmp_path, 0)
    board.figures(3, {"train/loss": 0.5, "train/learning_rate": 0.25})
    board.evaluation(3, view())
    board.close(failed=False)
    return read(tmp_path)


def test_figures_are_scalars_under_their_names(events: EventAccumulator) -> None:
    assert events.Tags()["scalars"] == ["train/loss", "train/learning_rate"]
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(3, 0.5)]


def test_margins_of_both_labels_are_histograms(events: EventAccumulator) -> None:
    assert set(events.Tags()["histograms"]) == {"val/margins_same", "val/margins_different"}
    histogram = events.Histograms("val/margins_same")[0].histogram_value
    assert (histogram.num, histogram.min, histogram.max) == (2, 1.0, 2.0)


def test_the_errors_are_an_image_of_exactly_these_pixels(events: EventAccumulator) -> None:
    image = Image.open(io.BytesIO(events.Images("val/errors")[0].encoded_image_string))
    assert np.array_equal(np.asarray(image), PICTURES)


def test_the_caption_is_shown_as_it_stands_and_not_as_markdown(events: EventAccumulator) -> None:
    text = make_ndarray(events.Tensors("val/errors/text_summary")[0].tensor_proto)
    lines = text.item().decode().splitlines()
    assert lines == ["    margin 1", "    花瓶 <b>![](x)</b>", "    ", "    margin 2"]


def test_the_precision_recall_curve_has_the_counts_of_every_threshold(events: EventAccumulator) -> None:
    hits, false_hits, true_rejections, misses, precision, recall = make_ndarray(
        events.Tensors("val/precision_recall")[0].tensor_proto
    )
    for place, threshold in enumerate(precision_recall_curve(MARGINS, SAME).thresholds):
        taken = threshold < MARGINS
        assert hits[place] == (taken & SAME).sum()
        assert false_hits[place] == (taken & ~SAME).sum()
        assert true_rejections[place] == (~taken & ~SAME).sum()
        assert misses[place] == (~taken & SAME).sum()
    assert (precision[0], recall[0]) == (0.5, 1.0)


def test_an_evaluation_without_errors_and_of_one_label_is_written_too(tmp_path: Path) -> None:
    board = TensorboardDashboard(tmp_path, 0)
    nothing = np.empty(0)
    board.evaluation(1, EvaluationView(nothing, MARGINS, precision_recall_curve(MARGINS, np.zeros(4, bool)), "", None))
    board.close(failed=False)
    tags = read(tmp_path).Tags()
    assert tags["histograms"] == ["val/margins_different"]
    assert tags["images"] == []


def test_figures_after_the_step_that_a_run_goes_on_from_are_replaced(tmp_path: Path) -> None:
    killed = TensorboardDashboard(tmp_path, 0)
    for step in (1, 2, 3):
        killed.figures(step, {"train/loss": float(step)})
    killed.close(failed=True)
    board = TensorboardDashboard(tmp_path, 2)
    board.figures(3, {"train/loss": 30.0})
    board.close(failed=False)
    assert [(event.step, event.value) for event in read(tmp_path).Scalars("train/loss")] == [(1, 1), (2, 2), (3, 30)]
