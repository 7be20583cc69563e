"""The page of duplicate groups as a browser shows it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import Visit, browser, visiting_file
from tests.tools.views.invented_groups import invented_groups
from tests.tools.views.reporting.synthetic import HOSTILE, invented_item
from tools.views.groups_page import MOST_ITEMS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]

LARGE = MOST_ITEMS + 2
"""Items of the first group, more than are shown."""
HOSTILE_TITLE, HOSTILE_ID, WITHOUT_PICTURE = 1, 2, LARGE + 4
"""Rows of items."""


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Groups of many items, of three and of two, around their first items."""
    folder = tmp_path_factory.mktemp("groups")
    items = [invented_item(row, HOSTILE if row == HOSTILE_TITLE else None) for row in range(LARGE + 5)]
    items[HOSTILE_ID] = replace(items[HOSTILE_ID], item_id=HOSTILE)
    # Nothing to break a line at.
    items[LARGE] = replace(items[LARGE], item_id="7" * 70, title="a" * 300, category="b" * 90)
    margins = {(0, row): 12.5 - row for row in range(1, LARGE)}
    margins |= {(LARGE, LARGE + 1): 0.5, (LARGE, LARGE + 2): -0.25, (LARGE + 3, WITHOUT_PICTURE): 2.0}
    page = invented_groups(folder, items, margins, num_pictures=WITHOUT_PICTURE)
    checkpoint = "experiments/a_run_of_a_long_name/checkpoints/step_00002000"
    file = folder / "groups.html"
    threshold = f"1.5600 (calibrated, of {checkpoint})"
    file.write_text(page(threshold=threshold, agreement={"F1 against the truth": "0.500"}), encoding="utf-8")
    return file


@pytest.fixture
def visit(browser: "Browser", groups: Path) -> Iterator[Visit]:
    with visiting_file(browser, groups) as visit:
        yield visit


def test_groups_show_their_items_with_pictures_and_margins_the_largest_first(visit: Visit) -> None:
    page = visit.page
    cards = page.locator(".card")
    headings = [text.split(" · ")[0] for text in cards.locator("h3").all_inner_texts()]
    assert headings == [f"{LARGE} items", "3 items", "2 items"]
    assert [card.locator(".item").count() for card in cards.all()] == [MOST_ITEMS, 3, 2]
    assert cards.nth(1).locator(".margin").all_inner_texts() == ["medoid", "margin 0.50", "margin −0.25"]
    for image in cards.locator("img").all():
        image.scroll_into_view_if_needed()  # pictures are decoded once they come into view
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
    assert cards.locator("img").count() == MOST_ITEMS + 3 + 1
    assert cards.locator("div.picture").all_inner_texts() == ["no picture"]


def test_a_hostile_title_and_id_are_shown_as_text(visit: Visit) -> None:
    first = visit.page.locator(".card").first
    assert first.locator(".item").nth(HOSTILE_TITLE).locator("p").first.inner_text() == HOSTILE
    assert first.locator(".item").nth(HOSTILE_ID).locator(".id").inner_text() == HOSTILE
    assert visit.page.locator("script, img[src=x]").count() == 0


def test_the_keyboard_skips_to_the_content(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_page_fits_a_phone_and_follows_the_dark_theme(browser: "Browser", groups: Path) -> None:
    backgrounds = set()
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        page.goto(groups.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close()
    assert len(backgrounds) == 2
