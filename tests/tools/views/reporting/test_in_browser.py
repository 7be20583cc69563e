"""The page as a browser shows it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import Visit, browser, visiting_file
from tests.tools.views.reporting.synthetic import HOSTILE, invented_item, invented_report
from tools.views.reporting.report import render_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]

NUM_PAIRS = 300
BROKEN_WORDS = """(selector) => [...document.querySelectorAll(selector)].flatMap(({ firstChild: node }) =>
    [...node.data.matchAll(/\\S+/g)].filter(({ 0: word, index }) => {
        const range = document.createRange();
        range.setStart(node, index);
        range.setEnd(node, index + word.length);
        return range.getClientRects().length > 1;
    }).map(([word]) => word))"""
"""Returns the words of elements that stand on more than one line."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    data = invented_report(
        num_pairs=NUM_PAIRS,
        item=lambda row: invented_item(row, HOSTILE if row == 7 else None),
        kinds=tuple("xy"[pair % 2] for pair in range(NUM_PAIRS)),
    )
    file.write_text(render_report(data, gallery=30), encoding="utf-8")
    return file


@pytest.fixture
def visit(browser: "Browser", report: Path) -> Iterator[Visit]:
    with visiting_file(browser, report) as visit:
        yield visit


def num_found(page: "Page") -> int:
    return int(page.inner_text("#status").split()[0].replace(",", ""))


def margins(page: "Page") -> list[float]:
    """Return the margins of the rows of the table."""
    texts = page.locator("#rows td:last-child").all_inner_texts()
    return [float(text.replace("−", "-")) for text in texts]


def test_the_gallery_shows_pairs_with_pictures_texts_and_scores(visit: Visit) -> None:
    cards = visit.page.locator(".card")
    assert 1 < cards.count() == min(24, num_found(visit.page))
    assert cards.first.locator("img").count() == 2
    assert visit.page.evaluate(
        "[...document.images].every((image) => image.complete && image.naturalWidth && image.alt)"
    )
    assert "wrong" in cards.first.inner_text()
    assert "margin" in cards.first.inner_text()


def test_every_group_shows_what_it_promises(visit: Visit) -> None:
    for group, wrong in (("errors", True), ("correct", False)):
        visit.page.select_option("#group", group)
        verdicts = visit.page.locator(".card .verdict").all_inner_texts()
        assert verdicts
        assert all(("wrong" in verdict) == wrong for verdict in verdicts)


def test_filters_narrow_the_table_and_reset_brings_all_back(visit: Visit) -> None:
    page = visit.page
    page.select_option("#group", "all")
    assert num_found(page) == NUM_PAIRS
    for field in ("#verdict", "#label"):
        parts = []
        for value in ("0", "1"):
            page.select_option(field, value)
            parts.append(num_found(page))
        assert sum(parts) == NUM_PAIRS
        page.select_option(field, "")
    page.select_option("#category", label="类目3")
    by_category = num_found(page)
    assert 0 < by_category < NUM_PAIRS
    page.select_option("#kind", label="x")
    assert num_found(page) < by_category
    page.fill("#search", "no such title")
    assert "No pair" in page.inner_text("#status")
    page.click("text=Reset")
    page.wait_for_selector(".card")
    page.select_option("#group", "all")
    assert num_found(page) == NUM_PAIRS


def test_the_search_finds_titles_and_ids(visit: Visit) -> None:
    page = visit.page
    page.select_option("#group", "all")
    page.fill("#search", "ITEM-12 ")
    rows = page.locator("#rows tr").all_inner_texts()
    assert rows
    assert all("item-12" in row for row in rows)


def test_the_table_is_sorted_as_chosen_and_turned_page_by_page(visit: Visit) -> None:
    page = visit.page
    page.select_option("#group", "all")
    page.select_option("#sort", "highest")
    first = margins(page)
    assert len(first) == 50
    assert first == sorted(first, reverse=True)
    page.click("#next")
    assert max(margins(page)) <= min(first)
    assert "2 of 6" in page.inner_text("#page")
    page.select_option("#sort", "nearest")
    distances = [abs(margin - 0.25) for margin in margins(page)]
    assert distances == sorted(distances)


def test_a_hostile_title_is_shown_as_text(visit: Visit) -> None:
    page = visit.page
    page.select_option("#group", "all")
    page.fill("#search", "onerror")
    assert HOSTILE in page.locator("#rows").inner_text()
    assert page.locator("#rows script, #rows img[src=x]").count() == 0
    page.select_option("#group", "uncertain")
    page.fill("#search", "")
    assert page.locator(".card script").count() == 0


def test_the_page_can_be_worked_by_the_keyboard(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.focus("#group")
    page.keyboard.press("End")
    assert page.is_visible("#list")


def test_the_page_fits_a_phone_and_follows_the_dark_theme(browser: "Browser", report: Path) -> None:
    backgrounds = set()
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
        page.goto(report.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.select_option("#group", "all")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close()
    assert len(backgrounds) == 2


def test_tables_of_figures_break_no_word_on_a_phone(browser: "Browser", report: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(report.as_uri())
    assert "calibrated on the validation pairs" in page.locator(".figures th").all_inner_texts()
    assert page.evaluate(BROKEN_WORDS, ".figures th") == []
    page.close()


def test_a_word_too_long_for_a_phone_is_broken(browser: "Browser", tmp_path: Path) -> None:
    file = tmp_path / "long.html"
    data = invented_report(kinds=("negative" * 10,) * 80)
    file.write_text(render_report(data, gallery=1), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(file.as_uri())
    heading = page.get_by_role("rowheader", name="negative" * 10)
    assert heading.bounding_box()["width"] < 200  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()


def test_20_000_pairs_are_filtered_and_sorted_without_a_pause(browser: "Browser", tmp_path: Path) -> None:
    file = tmp_path / "large.html"
    data = replace(invented_report(num_items=25_000, num_pairs=20_000), images=None)
    file.write_text(render_report(data, gallery=5), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    page.select_option("#group", "all")
    assert num_found(page) == 20_000
    milliseconds = page.evaluate(
        """() => {
            const search = document.getElementById("search");
            const started = performance.now();
            search.value = "123";
            search.dispatchEvent(new Event("input", { bubbles: true }));
            return performance.now() - started;
        }"""
    )
    assert 0 < num_found(page) < 20_000
    assert milliseconds < 1000
    page.close()
