"""The charts of a report."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from metrics.verification import precision_recall_curve, verification_metrics
from tools.views.chart import Chart, Range, extent, new_chart
from tools.views.colours import LIGHT, Role
from tools.views.reporting.calibration import Reliability
from tools.views.reporting.report_data import ReportData

NUM_BINS = 48
NUM_THRESHOLDS = 400
NUM_SCATTERED = 1500
FEW_POINTS = 40
"""Up to so many points of a series are marked."""
UNIT = (0.0, 1.0)
STYLES = ((Role.SAME, False), (Role.DIFFERENT, True), (Role.MUTED, True))
"""Role of each series in turn, and whether it is dashed: told apart without colours, too."""
LABELS = ((Role.SAME, "the same product"), (Role.DIFFERENT, "different products"))


def score_histogram(margins: NDArray[np.float64], same: NDArray[np.bool_], threshold: float) -> Chart:
    """Return the histograms of the B margins (B,) of both labels (B,), in equal bins, and the threshold as a line."""
    low, high = min(float(margins.min()), threshold), max(float(margins.max()), threshold)
    room = 0.02 * (high - low) or 0.5
    edges = np.linspace(low - room, high + room, NUM_BINS + 1)
    counts = {Role.SAME: np.histogram(margins[same], edges)[0], Role.DIFFERENT: np.histogram(margins[~same], edges)[0]}
    most = max(1, *(int(count.max()) for count in counts.values()))
    chart = new_chart(
        "Distribution of the margins",
        _description(margins, same, threshold),
        "margin (match − threshold score)",
        "pairs",
        (low - room, high + room),
        (0, 1.08 * most),
    )
    for role, name in reversed(LABELS):
        hint = f"{{count:,}} pairs of {name}, margin {{left:.3g}} to {{right:.3g}}"
        chart.bars(edges, counts[role], role, hint)
    chart.threshold(threshold)
    chart.legend(LABELS)
    return chart


def _description(margins: NDArray[np.float64], same: NDArray[np.bool_], threshold: float) -> str:
    parts = [
        f"{len(chosen):,} pairs labelled {name} have margins from {chosen.min():.3g} to {chosen.max():.3g}, the median "
        f"{np.median(chosen):.3g}, {np.mean(chosen > threshold):.1%} of them above the threshold."
        for name, chosen in (("the same", margins[same]), ("different", margins[~same]))
        if len(chosen)
    ]
    return " ".join([f"Two histograms. The threshold is {threshold:.3g}.", *parts])


def draw_series(chart: Chart, series: Mapping[str, NDArray[np.float64]]) -> None:
    """Draw at most three lines through points (n, 2), by name; points that are not finite interrupt their line."""
    for (name, points), (role, is_dashed) in zip(series.items(), STYLES, strict=False):
        chart.line(points, role, name, is_dashed=is_dashed)
        finite = points[np.isfinite(points).all(axis=1)].tolist()
        if len(finite) <= FEW_POINTS:
            for x, y in finite:
                chart.dot((x, y), 2.5, role, f"{name}: {y:.4g} at {x:,.4g}")


def course_charts(course: Mapping[str, NDArray[np.float64]]) -> list[Chart]:
    """Return the learning curves that the run recorded: F1, loss, learning rate, gradient norm."""
    wanted = (
        ("F1 on the validation pairs", "F1", {"best_possible_f1": "best possible", "f1": "the loss's own threshold"}),
        ("Loss of training", "mean loss", {"loss": "loss"}),
        ("Learning rate", "learning rate", {"learning_rate": "learning rate"}),
        ("Gradient norm", "norm before clipping", {"gradient_norm": "gradient norm"}),
    )
    charts = []
    for title, y_title, names in wanted:
        series = {text: course[name] for name, text in names.items() if name in course}
        if series:
            ends = "; ".join(
                f"{name} {points[0, 1]:.4g} at first and {points[-1, 1]:.4g} at last" for name, points in series.items()
            )
            steps, values = np.concatenate(list(series.values())).T
            chart = new_chart(title, f"By step: {ends}.", "step", y_title, extent(steps), _with_room(extent(values)))
            draw_series(chart, series)
            chart.legend()
            charts.append(chart)
    return charts


def _with_room(span: Range) -> Range:
    low, high = span
    room = 0.05 * (high - low)
    return (0.0 if 0 <= low < room * 10 else low - room), high + room


def decision_charts(data: ReportData) -> tuple[Chart, Chart]:
    """Return precision by recall, and F1, precision and recall by threshold, the chosen point marked."""
    margins, same, threshold = data.pairs.margin, data.pairs.same, data.calibrated_threshold
    curve = precision_recall_curve(margins, same, NUM_THRESHOLDS)
    f1 = 2 * curve.num_hits / np.maximum(curve.num_predicted + curve.num_positives, 1)
    chosen = verification_metrics(margins, same, threshold)
    at_chosen = f"{data.figures_of}F1 {chosen.f1:.4f}, precision {chosen.precision:.4f}, recall {chosen.recall:.4f}"
    by_recall = new_chart(
        "Precision by recall", f"At the calibrated threshold: {at_chosen}.", "recall", "precision", UNIT, UNIT
    )
    draw_series(by_recall, {"precision": np.stack([curve.recall, curve.precision], axis=1)})
    share = float(same.mean())
    by_recall.line([(0, share), (1, share)], Role.MUTED, "every pair the same", is_dashed=True)
    by_recall.dot((chosen.recall, chosen.precision), 5.0, Role.INK, at_chosen)
    by_recall.legend()
    by_threshold = new_chart(
        "F1, precision and recall by threshold",
        f"At the calibrated threshold {threshold:.4g}: {at_chosen}.",
        "threshold of the margin",
        "share",
        extent([*curve.thresholds, threshold]),
        UNIT,
    )
    figures = {"F1": f1, "precision": curve.precision, "recall": curve.recall}
    draw_series(by_threshold, {name: np.stack([curve.thresholds, values], axis=1) for name, values in figures.items()})
    by_threshold.threshold(threshold)
    by_threshold.dot((threshold, chosen.f1), 5.0, Role.INK, at_chosen)
    by_threshold.legend()
    return by_recall, by_threshold


def score_scatter(data: ReportData) -> Chart | None:
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
    decision = [(x, x + data.calibrated_threshold) for x in (low, high)]
    chart = new_chart(
        "Match score by own threshold score",
        f"{len(chosen):,} pairs, evenly taken from the file; those above the dashed line are decided the same. Own "
        f"threshold scores lie between {own.min():.4g} and {own.max():.4g}, match scores between {match.min():.4g} and "
        f"{match.max():.4g}.",
        "own threshold score",
        "match score",
        (low, high),
        extent([*match[chosen], *(y for _, y in decision)]),
    )
    colours = [LIGHT[Role.SAME if same else Role.DIFFERENT] for same in data.pairs.same[chosen]]
    chart.axes.scatter(own[chosen], match[chosen], s=16, c=colours, linewidths=0, clip_on=False)
    chart.line(decision, Role.INK, "decision", 1.5, is_dashed=True)
    chart.legend(LABELS)
    return chart


def reliability_chart(found: Reliability) -> Chart:
    """Return the share of same pairs by fitted probability; each bin is a dot, larger where it has more pairs."""
    most = max(part.num_pairs for part in found.bins)
    points = [(part.mean_probability, part.share_same) for part in found.bins]
    chart = new_chart(
        "Share of same pairs by fitted probability",
        f"{len(points)} bins of neighbouring margins; expected calibration error {found.expected_error:.3f}. The table "
        "below has the numbers.",
        "probability fitted to the margins",
        "share labelled the same",
        UNIT,
        UNIT,
    )
    chart.line(points, Role.SAME, "bins of margins")
    chart.line([(0, 0), (1, 1)], Role.MUTED, "as fitted", 1.5, is_dashed=True)
    for part, point in zip(found.bins, points, strict=True):
        hint = (
            f"margins {part.lowest_margin:.3g} to {part.highest_margin:.3g}: {part.num_pairs:,} pairs, "
            f"{part.mean_probability:.1%} expected, {part.share_same:.1%} are the same product"
        )
        chart.dot(point, 3 + 3 * (part.num_pairs / most) ** 0.5, Role.SAME, hint)
    chart.legend()
    return chart
