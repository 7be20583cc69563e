import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import Path

import pytest

from data.item_catalog import ItemCatalog
from tests.tools.views.invented_groups import invented_groups
from tests.tools.views.reporting.synthetic import HOSTILE, invented_item


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., str]:
    """Groups of items 0, 1, 2 and 3, 4, of which item 1 has a hostile title and item 4 no picture."""
    items = [replace(invented_item(row, HOSTILE if row == 1 else None), category="") for row in range(6)]
    items[0] = replace(items[0], category="花瓶")
    page = invented_groups(tmp_path, items, {(0, 1): 1.25, (0, 2): -0.5, (3, 4): 2.0}, num_pictures=4)
    return partial(page, agreement={"F1": "0.500"})


def test_every_item_stands_in_its_group_with_its_margin_and_picture(page: Callable[..., str]) -> None:
    html = page()
    cards = html.split('<article class="card group">')[1:]
    assert len(cards) == 2
    assert re.findall(r'class="id">([^<]+)<', cards[0]) == ["item-0", "item-1", "item-2"]
    assert re.findall(r'class="margin[^"]*">([^<]+)<', cards[0]) == ["medoid", "margin 1.25", "margin −0.50"]
    assert "3 items · 花瓶" in cards[0]
    assert cards[0].count("data:image/jpeg;base64,") == 3
    assert cards[1].count("no picture") == 1
    assert "F1</dt><dd>0.500" in html


def test_text_of_others_is_escaped_and_nothing_may_be_loaded_or_run(page: Callable[..., str]) -> None:
    html = page()
    assert "<script" not in html
    assert HOSTILE not in html
    assert "alert(1)" in html
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert unescape(policy[1]).startswith("default-src 'none'; img-src data:; style-src 'sha256-")


def test_the_largest_groups_are_shown_up_to_a_number(page: Callable[..., str]) -> None:
    html = page(most_groups=1)
    assert html.count('<article class="card group">') == 1
    assert "1 of 2 groups" in html
    assert "item-0" in html
    assert "item-3" not in html


def test_items_that_the_item_file_lacks_are_shown_by_their_ids_alone(page: Callable[..., str]) -> None:
    html = page(catalog=ItemCatalog([]))
    assert "item-4" in html
    assert "北欧风" not in html
    assert html.count("no picture") == 5


def test_of_a_large_group_the_surest_items_are_shown(page: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.views.groups_page.MOST_ITEMS", 2)
    html = page()
    assert "3 items · 花瓶 · the first 2" in html
    assert "item-1" in html
    assert "item-2" not in html
