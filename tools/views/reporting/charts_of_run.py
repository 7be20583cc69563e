"""The charts of a report."""

import numpy as np

from metrics.precision_recall import precision_recall_curve
from metrics.verification import verification_metrics
from tools.views.reporting.calibration import Reliability
from tools.views.reporting.charts.axes import HEIGHT, WIDTH, LegendEntry, extent, frame, legend, plot_of
from tools.views.reporting.charts.drawing import Dot, Drawing, Role
from tools.views.reporting.charts.line_chart import LineChart, Series, draw_lines
from tools.views.reporting.course import Course
from tools.views.reporting.report_data import ReportData

NUM_THRESHOLDS = 400
NUM_SCATTERED = 1500
UNIT = (0.0, 1.0)


def course_charts(course: Course) -> list[Drawing]:
    """Return the learning curves that the run recorded: F1, loss, learning rate, gradient norm."""
    wanted = (
        ("F1 on the validation pairs", "F1", {"calibrated_f1": "calibrated threshold", "f1": "the loss's own"}),
        ("Loss of training", "mean loss", {"loss": "loss"}),
        ("Learning rate", "learning rate", {"learning_rate": "learning rate"}),
        ("Gradient norm", "norm before clipping", {"gradient_norm": "gradient norm"}),
    )
    charts = []
    for title, y_title, names in wanted:
        series = tuple(Series(text, course.curve(name)) for name, text in names.items() if course.curve(name))
        if series:
            ends = (
                f"{line.name} {line.points[0][1]:.4g} at first and {line.points[-1][1]:.4g} at last" for line in series
            )
            charts.append(draw_lines(LineChart(title, f"By step: {'; '.join(ends)}.", "step", y_title, series)))
    return charts


def decision_charts(data: ReportData) -> list[Drawing]:
    """Return precision by recall, and F1, precision and recall by threshold, the chosen point marked."""
    margins, same, threshold = data.pairs.margin, data.pairs.same, data.calibrated_threshold
    curve = precision_recall_curve(margins, same, NUM_THRESHOLDS)
    precision, recall = curve.precision.tolist(), curve.recall.tolist()
    f1 = (2 * curve.num_hits / np.maximum(curve.num_predicted + curve.num_positives, 1)).tolist()
    thresholds = curve.thresholds.tolist()
    chosen = verification_metrics(margins, same, threshold)
    at_chosen = f"F1 {chosen.f1:.4f}, precision {chosen.precision:.4f}, recall {chosen.recall:.4f}"
    by_recall = LineChart(
        title="Precision by recall",
        description=f"At the calibrated threshold: {at_chosen}.",
        x_title="recall",
        y_title="precision",
        series=(
            Series("precision", tuple(zip(recall, precision, strict=True))),
            Series("every pair the same", ((0.0, float(same.mean())), (1.0, float(same.mean()))), is_reference=True),
        ),
        x_range=UNIT,
        y_range=UNIT,
        chosen=((chosen.recall, chosen.precision), at_chosen),
    )
    by_threshold = LineChart(
        title="F1, precision and recall by threshold",
        description=f"At the calibrated threshold {threshold:.4g}: {at_chosen}.",
        x_title="threshold of the margin",
        y_title="share",
        series=tuple(
            Series(name, tuple(zip(thresholds, figures, strict=True)))
            for name, figures in (("F1", f1), ("precision", precision), ("recall", recall))
        ),
        y_range=UNIT,
        chosen=((threshold, chosen.f1), at_chosen),
        threshold=threshold,
    )
    return [draw_lines(by_recall), draw_lines(by_threshold)]


def score_scatter(data: ReportData) -> Drawing | None:
    """Return match score by own threshold score of a cross-section of the pairs, and where the decision changes.

    None for a model without a threshold branch, all of whose pairs have one threshold score.
    """
    own, match = data.pairs.threshold, data.pairs.match
    if np.ptp(own) == 0:
        return None
    chosen = np.unique(np.linspace(0, len(own) - 1, min(NUM_SCATTERED, len(own))).astype(np.int64))
    low, high = float(own[chosen].min()), float(own[chosen].max())
    room = 0.03 * (high - low) or 0.5
    low, high = low - room, high + room
    ends = [(x, x + data.calibrated_threshold) for x in (low, high)]
    plot = plot_of((low, high), extent([*match[chosen].tolist(), *(y for _, y in ends)]))
    dots = tuple(
        Dot(
            plot.place(float(own[pair]), float(match[pair])),
            2.0,
            Role.SAME if data.pairs.same[pair] else Role.DIFFERENT,
        )
        for pair in chosen
    )
    return Drawing(
        WIDTH,
        HEIGHT,
        "Match score by own threshold score",
        f"{len(chosen):,} pairs, evenly taken from the file; those above the dashed line are decided the same. Own "
        f"threshold scores lie between {own.min():.4g} and {own.max():.4g}, match scores between {match.min():.4g} and "
        f"{match.max():.4g}.",
        (
            *frame(plot, "own threshold score", "match score"),
            *dots,
            plot.curve(ends, Role.INK, 1.5, dashed=True),
            *legend(
                [
                    LegendEntry("the same product", Role.SAME, filled=True),
                    LegendEntry("different products", Role.DIFFERENT, filled=True),
                    LegendEntry("decision", Role.INK, dashed=True),
                ]
            ),
        ),
    )


def reliability_chart(found: Reliability) -> Drawing:
    """Return the share of same pairs by fitted probability; each bin is a dot, larger where it has more pairs."""
    plot = plot_of(UNIT, UNIT)
    most = max(part.num_pairs for part in found.bins)
    dots = tuple(
        Dot(
            plot.place(part.mean_probability, part.share_same),
            3 + 3 * (part.num_pairs / most) ** 0.5,
            Role.SAME,
            f"margins {part.lowest_margin:.3g} to {part.highest_margin:.3g}: {part.num_pairs:,} pairs, "
            f"{part.mean_probability:.1%} expected, {part.share_same:.1%} are the same product",
        )
        for part in found.bins
    )
    points = [(part.mean_probability, part.share_same) for part in found.bins]
    return Drawing(
        WIDTH,
        HEIGHT,
        "Share of same pairs by fitted probability",
        f"{len(points)} bins of neighbouring margins; expected calibration error {found.expected_error:.3f}. The table "
        "below has the numbers.",
        (
            *frame(plot, "probability fitted to the margins", "share labelled the same"),
            plot.curve(((0.0, 0.0), (1.0, 1.0)), Role.MUTED, 1.5, dashed=True),
            plot.curve(points, Role.SAME),
            *dots,
            *legend([LegendEntry("bins of margins", Role.SAME), LegendEntry("as fitted", Role.MUTED, dashed=True)]),
        ),
    )
