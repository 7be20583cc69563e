"""A report as one HTML file that loads nothing and runs no script but its own."""

from metrics.bootstrap import CONFIDENCE
from metrics.verification import verification_metrics
from tools.views.chart import inline_svg
from tools.views.page import page_style, render_file, resource, thumbnails
from tools.views.reporting.calibration import reliability
from tools.views.reporting.charts import (
    course_charts,
    decision_charts,
    reliability_chart,
    score_histogram,
    score_scatter,
)
from tools.views.reporting.gallery import choose_gallery, gallery_rows, pair_records
from tools.views.reporting.groups import by_category, by_kind, figures_by_threshold
from tools.views.reporting.report_data import ReportData


def render_report(data: ReportData, gallery: int) -> str:
    """Return the page, with at most `gallery` pairs each of errors, uncertain and correct ones with their pictures."""
    margins, same, threshold = data.pairs.margin, data.pairs.same, data.calibrated_threshold
    chosen = choose_gallery(data, gallery)
    rows = gallery_rows(chosen)
    items = sorted({int(row) for row in (*data.pairs.source[rows], *data.pairs.target[rows])})
    pictures = thumbnails(data.catalog, data.images, items) if data.images is not None else {}
    by_recall, by_threshold = decision_charts(data)
    probability = reliability(margins, same)
    return render_file(
        "report.html",
        style=page_style(),
        script=resource("report.js"),
        data=data,
        run=data.run,
        figures=verification_metrics(margins, same, threshold),
        confidence=CONFIDENCE,
        thresholds=figures_by_threshold(data),
        inline_svg=inline_svg,
        histogram=score_histogram(margins, same, threshold),
        by_recall=by_recall,
        by_threshold=by_threshold,
        scatter=score_scatter(data),
        kinds=by_kind(data),
        categories=by_category(data),
        probability=probability,
        probability_chart=reliability_chart(probability),
        course=course_charts(data.run.course),
        records=pair_records(data, chosen, pictures),
    )
