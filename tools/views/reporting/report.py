"""A report as one HTML file that loads nothing and runs no script but its own."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from string import Template

from metrics.bootstrap import CONFIDENCE
from tools.views.colours import DARK, LIGHT, Theme, hexadecimal
from tools.views.page import signed, text
from tools.views.reporting.gallery import choose_gallery
from tools.views.reporting.pair_records import pair_records, script_json
from tools.views.reporting.report_data import ReportData
from tools.views.reporting.tables import (
    calibration_figure,
    category_table,
    confusion_table,
    course_figures,
    headline,
    kind_table,
    run_records,
    score_figures,
    threshold_table,
)
from tools.views.reporting.thumbnails import thumbnails

GALLERY = 60
"""Pairs of each group that are shown with their pictures."""


def render_report(data: ReportData, gallery: int = GALLERY) -> str:
    """Return the page, with at most `gallery` pairs each of errors, uncertain and correct ones with their pictures."""
    chosen = choose_gallery(data, gallery)
    rows = chosen.rows()
    items = sorted({int(row) for row in (*data.pairs.source[rows], *data.pairs.target[rows])})
    pictures = thumbnails(data.catalog, data.images, items) if data.images is not None else {}
    style, script = page_style(), _resource("report.js")
    return Template(_resource("report.html")).substitute(
        policy=content_policy(style, script),
        name=text(data.run.name),
        split=text(data.split),
        style=style,
        script=script,
        facts=text(_facts(data)),
        headline=headline(data),
        threshold_note=text(_threshold_note(data)),
        confusion=confusion_table(data),
        thresholds=threshold_table(data),
        scores=score_figures(data),
        kinds=kind_table(data),
        categories=category_table(data),
        calibration=calibration_figure(data),
        course=course_figures(data.run),
        record=run_records(data.run),
        data=script_json(pair_records(data, chosen, pictures)),
    )


def content_policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy that allows this style sheet, this script and pictures inside the page."""
    return (
        f"default-src 'none'; img-src data:; style-src {hash_source(style)}; script-src {hash_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def hash_source(content: str) -> str:
    """Return the source of a Content-Security-Policy that allows this style sheet or script alone."""
    return f"'sha256-{b64encode(sha256(content.encode('utf-8')).digest()).decode('ascii')}'"


def page_style() -> str:
    """Return the style sheet of a page, light and dark."""
    return Template(_resource("page.css")).substitute(light=_variables(LIGHT), dark=_variables(DARK))


def _variables(theme: Theme) -> str:
    return " ".join(f"--{role}: {hexadecimal(colour)};" for role, colour in theme.of_role.items())


def _resource(name: str) -> str:
    return files("tools.views").joinpath("templates", name).read_text(encoding="utf-8")


def _facts(data: ReportData) -> str:
    same = int(data.pairs.same.sum())
    return (
        f"{data.split} split · {len(data.pairs):,} pairs of {len(data.catalog):,} items, {same:,} labelled the same · "
        f"checkpoint {data.run.checkpoint}"
    )


def _threshold_note(data: ReportData) -> str:
    threshold = signed(data.calibrated_threshold, 4)
    notes = [
        f"A pair is decided the same where its margin is above {threshold}, the threshold that was chosen on the "
        "validation pairs."
    ]
    if data.split == "val":
        notes.append("These are the same pairs, which flatters the figures a little.")
    if data.num_categories_left_out:
        notes.append(f"Thresholds of {data.num_categories_left_out:,} categories are left out here.")
    if data.intervals is not None:
        notes.append(f"Below each figure stands its {CONFIDENCE:.0%} interval by a bootstrap of clusters of items.")
    return " ".join(notes)
