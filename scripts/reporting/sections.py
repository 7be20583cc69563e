"""The parts of a report that are whole without its script, as HTML."""

from collections.abc import Mapping

from metrics.threshold import best_f1_threshold
from metrics.verification import VerificationMetrics, verification_metrics
from scripts.reporting.calibration import reliability
from scripts.reporting.charts.histogram import score_histogram
from scripts.reporting.charts.svg import inline_svg
from scripts.reporting.charts_of_run import course_charts, decision_charts, reliability_chart
from scripts.reporting.groups import Group, GroupTable, group_table
from scripts.reporting.markup import definitions, figure, folded, preformatted, table, text
from scripts.reporting.report_data import ReportData, RunRecord

NO_CATEGORY = "(no category)"
FIGURE_HEADINGS = ("pairs", "labelled the same", "F1", "precision", "recall", "accuracy")


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
        (name, f"{threshold:.4f}", *_shares(verification_metrics(margins, same, threshold)))
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
    return "".join(
        (
            figure(inline_svg(histogram, "margins"), "Margins of the pairs by their label."),
            figure(inline_svg(by_threshold, "by-threshold"), "The dot is the calibrated threshold."),
            figure(inline_svg(by_recall, "by-recall"), "The dot is the calibrated threshold."),
        )
    )


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
            f"{part.lowest_margin:.3f} to {part.highest_margin:.3f}",
            f"{part.num_pairs:,}",
            f"{part.mean_probability:.1%}",
            f"{part.share_same:.1%}",
        )
        for part in found.bins
    ]
    intercept, slope = found.fit.intercept, found.fit.slope
    facts = {
        "probability of the same product": f"1 / (1 + exp(−({intercept:.3f} + {slope:.3f} · margin)))",
        "margin of even odds": f"{-intercept / slope:.3f}" if slope else "none",
        "expected calibration error": f"{found.expected_error:.4f}",
        "Brier score": f"{found.brier:.4f}",
    }
    chart = figure(
        inline_svg(reliability_chart(found), "reliability"),
        "Each dot holds about as many pairs; on the dashed line as many of them are the same product as expected.",
    )
    bins = table("Bins of margins", ("margin", "pairs", "expected the same", "are the same"), rows)
    return f'{chart}<div class="beside">{definitions(facts)}{bins}</div>'


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
    return f"<h3>By kind of pair</h3>{_groups('Decisions by kind of pair', 'kind', 'other kinds', found)}"


def _groups(caption: str, what: str, others: str, found: GroupTable) -> str:
    rows = [_group_row(group.name[:80], group) for group in found.groups]
    if found.rest is not None:
        rows.append(_group_row(f"{found.num_in_rest:,} {others}", found.rest))
    headings = (what, *FIGURE_HEADINGS, "wrongly the same", "wrongly different")
    return table(caption, headings, rows)


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
    has_f1 = figures.num_positives + figures.num_positives_predicted > 0
    return (
        f"{figures.f1:.4f}" if has_f1 else "–",
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
