"""A browser for the tests of pages."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    missing = "playwright" if find_spec("playwright") is None else "chromium" if CHROMIUM is None else None
    if missing is not None:
        reason = f"{missing} is not installed"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"{reason}, and REQUIRE_BROWSER=1 demands the tests in a browser")
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # The sandbox cannot be had as root and in containers; the page is our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page and what it did that it should not."""

    page: "Page"
    complaints: list[str]


@contextmanager
def visiting(browser: "Browser", address: str, is_own: Callable[[str], bool]) -> Iterator[Visit]:
    """Open a page, and fail in the end where it complained or asked for an address that is not its own."""

    def note_request(url: str) -> None:
        if not url.startswith("data:") and not is_own(url):
            visit.complaints.append(f"asked for {url}")

    page = browser.new_page()
    visit = Visit(page, [])
    page.on("console", lambda message: visit.complaints.append(message.text))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("dialog", lambda dialog: visit.complaints.append(dialog.message))
    page.on("request", lambda request: note_request(request.url))
    page.goto(address)
    yield visit
    page.close()
    assert visit.complaints == []


@contextmanager
def visiting_file(browser: "Browser", file: Path) -> Iterator[Visit]:
    """Open a page of one file, which has to load nothing."""
    with visiting(browser, file.as_uri(), lambda url: url.partition("#")[0] == file.as_uri()) as visit:
        yield visit
