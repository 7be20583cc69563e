"""The page to try a pair as a browser shows it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import Visit, browser, visiting
from tests.tools.views.reporting.synthetic import HOSTILE
from tests.tools.views.serving.conftest import picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FilePayload, Page

__all__ = ["browser"]


@pytest.fixture
def visit(browser: "Browser", address: str) -> Iterator[Visit]:
    with visiting(browser, address, lambda url: url.startswith(("blob:", address))) as visit:
        yield visit


def file(content: bytes, name: str = "photo.png") -> "FilePayload":
    return {"name": name, "mimeType": "image/png", "buffer": content}


def enter(page: "Page", side: str, title: str, content: bytes) -> None:
    page.check(f"[name={side}_from][value=entered]")
    page.fill(f"[name={side}_title]", title)
    page.fill(f"[name={side}_attributes]", "品牌: 木岚")
    page.set_input_files(f"[name={side}_image]", file(content))


def wait_for_one(page: "Page", side: str) -> None:
    """Wait until the search of a side shows one item."""
    page.locator(f"[data-side={side}] .found:not(:has(li + li)) button").wait_for()


def test_an_uploaded_pair_gets_a_verdict_with_an_explanation(visit: Visit) -> None:
    page = visit.page
    enter(page, "source", "红花瓶", picture(40))
    enter(page, "target", "蓝花瓶", picture(90))
    assert page.locator(".preview:visible").count() == 2
    page.click("text=Compare")
    page.wait_for_selector("#decision")
    assert page.inner_text("#decision") in ("The same product", "Different products")
    assert page.locator(".tile").count() == 4
    assert page.locator("svg.heat rect").count() == 8
    assert page.locator("svg.heat image").first.bounding_box()["width"] > 100  # type: ignore[index]
    assert page.locator("table.effects").first.locator("tbody tr").count() > 3
    assert page.input_value("[name=source_title]") == "红花瓶"
    assert page.evaluate("document.activeElement.id") == "outcome"
    page.locator(".plain").first.check()
    assert page.locator("svg.heat").first.locator("rect").first.is_hidden()


def test_items_are_searched_and_picked_by_the_keyboard(visit: Visit) -> None:
    page = visit.page
    for side, words, found in (("source", "花瓶", "i0"), ("target", "茶杯", "i1")):
        page.fill(f"[name={side}_id]", words)
        wait_for_one(page, side)
        page.focus(f"[data-side={side}] .found button")
        page.keyboard.press("Enter")
        assert page.input_value(f"[name={side}_id]") == found
        assert page.get_attribute(f"[data-side={side}] .found button", "aria-pressed") == "true"
    page.uncheck("[name=explained]")
    page.click("text=Compare")
    page.wait_for_selector("#decision")
    assert page.locator("table.effects").count() == 0


def test_a_broken_image_gets_a_clear_message_and_what_was_entered_stays(visit: Visit) -> None:
    page = visit.page
    enter(page, "source", "红花瓶", picture()[:-40])
    page.fill("[name=target_id]", "i1")
    page.click("text=Compare")
    page.wait_for_selector(".fault")
    assert "Source: photo.png: unreadable image" in page.inner_text(".fault")
    assert page.input_value("[name=source_title]") == "红花瓶"
    page.set_input_files("[name=source_image]", file(picture()))
    page.click("text=Compare")
    page.wait_for_selector("#decision")
    # What the browser itself says of an answer of status 422.
    visit.complaints[:] = [text for text in visit.complaints if "status of 422" not in text]


def test_a_large_file_is_refused_before_it_is_sent(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    large = tmp_path / "large.png"
    with large.open("wb") as stream:
        stream.truncate(2**24 + 1)
    page.check("[name=source_from][value=entered]")
    page.set_input_files("[name=source_image]", large)
    page.click("text=Compare")
    page.wait_for_selector(".fault")
    assert "16 MiB" in page.inner_text(".fault")


def test_a_hostile_title_is_shown_as_text(visit: Visit) -> None:
    page = visit.page
    page.fill("[name=source_id]", "onerror")
    wait_for_one(page, "source")
    assert HOSTILE in page.inner_text("[data-side=source] .found")
    page.click("[data-side=source] .found button")
    enter(page, "target", HOSTILE, picture())
    page.click("text=Compare")
    page.wait_for_selector("#decision")
    titles = page.locator(".card .title").all_text_contents()
    assert titles == [HOSTILE, HOSTILE]
    assert page.locator("#outcome script, #outcome img").count() == 0


def test_the_form_works_without_its_script(browser: "Browser", address: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(address)
    page.fill("[name=source_id]", "i0")
    page.fill("[name=target_id]", "i1")
    page.click("text=Compare")
    page.wait_for_selector("#decision")
    assert page.input_value("[name=target_id]") == "i1"
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(browser: "Browser", address: str, scheme: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.fill("[name=source_id]", "i0")
    page.fill("[name=target_id]", "i1")
    page.click("text=Compare")
    page.wait_for_selector("#decision")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    backgrounds = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (backgrounds == "rgb(245, 247, 250)") == (scheme == "light")
    page.close()
