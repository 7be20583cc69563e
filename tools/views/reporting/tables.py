"""The parts of a report that are whole without its script, as HTML."""

from collections.abc import Mapping

from metrics.threshold import best_f1_threshold
from metrics.verification import VerificationMetrics, verification_metrics
from tools.views.page import definitions, figure, folded, preformatted, signed, table, text
from tools.views.reporting.calibration import reliability
from tools.views.reporting.charts.histogram import score_histogram
from tools.views.reporting.charts.svg import inline_svg
from tools.views.reporting.charts_of_run import course_charts, decision_charts, reliability_chart, score_scatter
from tools.views.reporting.groups import Group, GroupTable, group_table
from tools.views.reporting.report_data import ReportData, RunRecord

NO_CATEGORY = "(no category)"
FIGURE_HEADINGS = ("pairs", "labelled the same", "F1", "precision", "recall", "accuracy")
WRONG = ("wrongly the same", "wrongly different")


def headline(data: ReportData) -> str:
    """Return the figures at the calibrated threshold as tiles."""
    figures = verification_metrics(data.pairs.margin, data.pairs.same, data.calibrated_threshold)
    shown = {"F1": figures.f1, "precision": figures.precision, "recall": figures.recall, "accuracy": figures.accuracy}
    intervals = data.intervals or {}
    return "".join(_tile(name, value, intervals.get(name.lower())) for name, value in shown.items())


def _tile(name: str, value: float, interval: tuple[float, float] | None) -> str:
    between = f'<span class="interval">{interval[0]:.3f} – {interval[1]:.3f}</span>' if interval is not None else ""
    return f'<div class="tile"><dt>{text(name)}</dt><dd>{value:.4f}{between}</dd></div>'


def threshold_table(data: ReportData) -> str:
    """Return the figures at the calibrated threshold, at the loss's own and at the best one of these pairs."""
    margins, same = data.pairs.margin, data.pairs.same
    thresholds = {
        "calibrated on the validation pairs": data.calibrated_threshold,
        "the loss's own": data.own_threshold,
        "best on these pairs": best_f1_threshold(margins, same).threshold,
    }
    if data.split == "val":
        del thresholds["best on these pairs"]
    rows = [
        (name, signed(threshold, 4), *_shares(verification_metrics(margins, same, threshold)))
        for name, threshold in thresholds.items()
    ]
    return table("Figures by threshold", ("threshold", "value", *FIGURE_HEADINGS[2:]), rows)


def confusion_table(data: ReportData) -> str:
    """Return how many pairs of each label were decided how."""
    same, decided = data.pairs.same, data.decided_same
    rows = [
        (f"labelled {name}", f"{int((label & decided).sum()):,}", f"{int((label & ~decided).sum()):,}")
        for name, label in (("the same", same), ("different", ~same))
    ]
    return table("Labels and decisions", ("pairs", "decided the same", "decided different"), rows)


def score_figures(data: ReportData) -> str:
    """Return the distribution of the margins and what follows from the choice of a threshold."""
    histogram = score_histogram(data.pairs.margin, data.pairs.same, data.calibrated_threshold)
    by_recall, by_threshold = decision_charts(data)
    scatter = score_scatter(data)
    figures = [
        figure(inline_svg(histogram, "margins"), "Distribution of the margins of pairs of each label."),
        figure(inline_svg(by_threshold, "by-threshold"), "Figures by threshold; the dot is the calibrated one."),
        figure(inline_svg(by_recall, "by-recall"), "Precision by recall; the dot is the calibrated threshold."),
    ]
    if scatter is not None:
        caption = "Match score by the pair's own threshold score; above the line pairs are decided the same."
        figures.append(figure(inline_svg(scatter, "scatter"), caption))
    return "".join(figures)


def course_figures(run: RunRecord) -> str:
    """Return the learning curves."""
    charts = course_charts(run.course)
    if not charts:
        return "<p>The run folder has no metrics.jsonl.</p>"
    return "".join(
        figure(inline_svg(chart, f"course-{number}"), f"{chart.title}.") for number, chart in enumerate(charts)
    )


def calibration_figure(data: ReportData) -> str:
    """Return how well the margin serves as a probability."""
    found = reliability(data.pairs.margin, data.pairs.same)
    rows = [
        (
            f"{signed(part.lowest_margin, 3)} to {signed(part.highest_margin, 3)}",
            f"{part.num_pairs:,}",
            f"{part.mean_probability:.1%}",
            f"{part.share_same:.1%}",
        )
        for part in found.bins
    ]
    intercept, slope = found.fit.intercept, found.fit.slope
    facts = {
        "probability of the same product": f"1 / (1 + exp(−({signed(intercept, 3)} + {signed(slope, 3)} · margin)))",
        "margin of even odds": signed(-intercept / slope, 3) if slope else "none",
        "expected calibration error": f"{found.expected_error:.4f}",
        "Brier score": f"{found.brier:.4f}",
    }
    chart = figure(
        inline_svg(reliability_chart(found), "reliability"),
        "Each dot holds about as many pairs; on the dashed line as many of them are the same product as expected.",
    )
    bins = table("Bins of margins", ("margin", "pairs", "expected the same", "are the same"), rows)
    return f'<div class="beside">{chart}{definitions(facts)}</div>{bins}'


def category_table(data: ReportData) -> str:
    """Return the figures of each category of the source."""
    categories = data.categories()
    names = [categories[row] or NO_CATEGORY for row in data.pairs.source]
    return _groups("Figures by category of the source", "category", "other categories", group_table(data, names))


def kind_table(data: ReportData) -> str:
    """Return the decisions on each kind of pair; empty where kinds are unknown."""
    if data.pairs.kinds is None:
        return ""
    found = group_table(data, [kind or "(not noted)" for kind in data.pairs.kinds])
    groups = [(group.name[:80], group) for group in found.groups]
    if found.rest is not None:
        groups.append((f"{found.num_in_rest:,} other kinds", found.rest))
    rows = [
        (
            name,
            f"{group.figures.num_pairs:,}",
            f"{group.figures.num_positives:,}",
            f"{group.figures.num_positives_predicted:,}",
            f"{group.num_wrongly_same:,}",
            f"{group.num_wrongly_different:,}",
            f"{group.figures.accuracy:.4f}",
        )
        for name, group in groups
    ]
    headings = ("kind", "pairs", "labelled the same", "decided the same", *WRONG, "accuracy")
    return f"<h3>By kind of pair</h3>{table('Decisions by kind of pair', headings, rows, is_titled=True)}"


def _groups(caption: str, what: str, others: str, found: GroupTable) -> str:
    rows = [_group_row(group.name[:80], group) for group in found.groups]
    if found.rest is not None:
        rows.append(_group_row(f"{found.num_in_rest:,} {others}", found.rest))
    return table(caption, (what, *FIGURE_HEADINGS, *WRONG), rows, is_titled=True)


def _group_row(name: str, group: Group) -> tuple[str, ...]:
    figures = group.figures
    return (
        name,
        f"{figures.num_pairs:,}",
        f"{figures.num_positives:,}",
        *_shares(figures),
        f"{group.num_wrongly_same:,}",
        f"{group.num_wrongly_different:,}",
    )


def _shares(figures: VerificationMetrics) -> tuple[str, str, str, str]:
    """Return F1, precision, recall and accuracy; a dash where nothing is there to be measured."""
    return (
        f"{figures.f1:.4f}" if figures.num_positives else "–",
        f"{figures.precision:.4f}" if figures.num_positives_predicted else "–",
        f"{figures.recall:.4f}" if figures.num_positives else "–",
        f"{figures.accuracy:.4f}",
    )


def run_records(run: RunRecord) -> str:
    """Return options, environment and commands, as the run folder has them."""
    return "".join(
        (
            folded("Commands", preformatted("Commands", run.commands or "not recorded")),
            folded("Environment", definitions(_flat(run.environment))),
            folded("Options", preformatted("Options", run.options or "not recorded")),
        )
    )


def _flat(values: Mapping[str, object]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= {str(key): str(inner) for key, inner in value.items()}
        else:
            flat[name] = str(value)
    return flat
