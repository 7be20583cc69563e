from xml.etree import ElementTree

import numpy as np

from tools.views.reporting.charts.drawing import Box, Dot, Drawing, Label, Line, Role
from tools.views.reporting.charts.histogram import score_histogram
from tools.views.reporting.charts.svg import inline_svg, standalone_svg

SVG = "{http://www.w3.org/2000/svg}"
DRAWING = Drawing(
    100,
    50,
    "a <title>",
    "a & description",
    (
        Line(((0, 0), (1, 2)), Role.GRID, dashed=True),
        Box(1, 2, 3, 4, Role.SAME, 0.5, hint="<hint>"),
        Dot((5, 6), 2, Role.DIFFERENT),
        Label((7, 8), "<b>&", Role.INK, "end", upwards=True),
    ),
)


def test_every_mark_is_an_element_and_every_text_is_escaped() -> None:
    root = ElementTree.fromstring(inline_svg(DRAWING, "one"))
    assert [child.tag for child in root] == ["title", "desc", "polyline", "rect", "circle", "text"]
    assert [root[0].text, root[1].text, root[3][0].text, root[5].text] == [
        "a <title>", "a & description", "<hint>", "<b>&",
    ]  # fmt: skip


def test_the_title_and_the_description_name_the_chart() -> None:
    root = ElementTree.fromstring(inline_svg(DRAWING, "one"))
    assert root.get("role") == "img"
    assert (root.get("aria-labelledby"), root.get("aria-describedby")) == (root[0].get("id"), root[1].get("id"))


def test_a_file_brings_a_colour_for_every_class_it_uses() -> None:
    drawing = score_histogram(np.arange(9.0), np.arange(9) > 4, 3.0)
    root = ElementTree.fromstring(standalone_svg(drawing))
    style = root.findtext(f"{SVG}style") or ""
    used = {element.get("class") for element in root.iter()} - {None}
    assert used
    assert all(f".{name}{{" in style for name in used)


def test_an_inline_chart_has_no_style_of_its_own() -> None:
    assert "style" not in inline_svg(DRAWING, "one")
