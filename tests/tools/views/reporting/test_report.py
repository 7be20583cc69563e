import re
import time
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser

import pytest

from tests.tools.views.reporting.synthetic import HOSTILE, invented_item, invented_report
from tools.views.reporting.report import render_report

VOID = {"meta", "link", "br", "img", "input"}


class Outline(HTMLParser):
    """The elements of a page, and whether each is closed where it should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(invented_report(kinds=tuple("xy"[pair % 2] for pair in range(80))), gallery=5)


def test_every_element_is_closed_and_every_id_is_there_once(page: str) -> None:
    outline = Outline(page)
    assert outline.open == []
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)


def test_the_page_has_landmarks_one_first_heading_and_named_parts(page: str) -> None:
    outline = Outline(page)
    assert {tag: len(outline.all(tag)) for tag in ("header", "main", "footer", "h1")} == dict.fromkeys(
        ("header", "main", "footer", "h1"), 1
    )
    ids = {attributes.get("id") for _, attributes in outline.elements}
    for _, attributes in outline.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(name) is None or attributes[name] in ids
    assert all(str(link["href"]).removeprefix("#") in ids for link in outline.all("a"))
    assert all(heading.get("scope") in ("col", "row") for heading in outline.all("th"))
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert all(chart["role"] == "img" for chart in outline.all("svg"))


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    outline = Outline(page)
    addresses = [
        attributes[name] for _, attributes in outline.elements for name in ("src", "href") if name in attributes
    ]
    assert all(str(address).startswith(("#", "data:")) for address in addresses)
    assert not re.search(r"url\(|@import|https?:", page)


def test_the_policy_allows_this_style_and_this_script_and_no_other(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    directives = dict(part.strip().split(" ", 1) for part in unescape(policy[1]).split(";"))
    outline = Outline(page)
    for directive, tag in (("style-src", "style"), ("script-src", "script")):
        content = outline.texts[tag][-1]
        assert directives[directive] == f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data:"
    assert not any("style" in attributes for _, attributes in outline.elements)
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)


def test_hostile_texts_stay_texts_wherever_they_stand() -> None:
    data = invented_report(
        item=lambda row: replace(invented_item(row, HOSTILE), category=HOSTILE, attributes={HOSTILE: (HOSTILE,)}),
        name=HOSTILE,
        kinds=(HOSTILE,) * 80,
    )
    data = replace(data, run=replace(data.run, options=HOSTILE, commands=HOSTILE, environment={HOSTILE: HOSTILE}))
    outline = Outline(render_report(data, gallery=5))
    assert outline.open == []
    assert outline.texts["h1"] == [HOSTILE]
    assert outline.texts["pre"] == [HOSTILE, HOSTILE]
    assert len(outline.all("script")) == 2
    assert outline.all("img") == []


def test_intervals_stand_beside_their_figures() -> None:
    data = invented_report()
    assert "0.701 – 0.812" not in render_report(data, gallery=1)
    page = render_report(replace(data, intervals={"f1": (0.701, 0.812)}), gallery=1)
    assert page.count("0.701 – 0.812") == 1


def test_a_model_without_pictures_course_or_threshold_branch_has_a_report_too() -> None:
    data = invented_report()
    pairs = replace(data.pairs, match=data.pairs.margin, threshold=data.pairs.threshold * 0)
    run = replace(data.run, course={})
    outline = Outline(render_report(replace(data, pairs=pairs, run=run, images=None), gallery=5))
    assert len(outline.all("svg")) == len(Outline(render_report(data, gallery=5)).all("svg")) - 3


def test_20_000_pairs_make_a_page_of_a_few_megabytes_in_seconds() -> None:
    data = invented_report(num_items=25_000, num_pairs=20_000)
    started = time.process_time()
    page = render_report(data, gallery=60)
    assert time.process_time() - started < 60
    assert len(page.encode()) < 25e6
