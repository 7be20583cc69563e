import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from options.errors import UserError
from tools.views.chart import (
    HEIGHT,
    PIXELS_A_POINT,
    WIDTH,
    Chart,
    extent,
    inline_svg,
    new_chart,
    standalone_svg,
    write_png,
)
from tools.views.colours import LIGHT, Role

SVG = "{http://www.w3.org/2000/svg}"


def chart(x_range: tuple[float, float] = (0, 10), y_range: tuple[float, float] = (0, 1)) -> Chart:
    made = new_chart("a <title>", "a & description", "x", "y", x_range, y_range)
    made.line([(0, 0), (10, 1)], Role.SAME, "<b>&", is_dashed=True)
    made.dot((5, 0.5), 3, Role.DIFFERENT, "<hint>")
    made.bars(np.array([0.0, 1.0, 2.0]), np.array([1, 0]), Role.DIFFERENT, "{count} in {left:g}..{right:g}")
    made.threshold(4)
    made.legend()
    return made


def tick_texts(low: float, high: float) -> list[str]:
    drawn = new_chart("", "", "", "", (low, high), (0, 1))
    drawn.figure.draw_without_rendering()
    return [label.get_text() for label in drawn.axes.get_xticklabels()]


def test_tick_texts_are_short_and_have_a_true_minus_sign() -> None:
    assert tick_texts(-1, 1) == ["−1.0", "−0.5", "0.0", "0.5", "1.0"]
    assert tick_texts(0, 0.003) == ["0", "1", "2", "3"]
    assert tick_texts(0, 4000) == ["0", "1,000", "2,000", "3,000", "4,000"]


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1), (-15.3, 3.2), (0, 2e-6), (3, 9e8), (-1e-3, 1e-3), (17.01, 17.02), (1.95e-6, 2e-6), (3e9, 3e9 + 1e5)],
)
def test_ticks_are_few_and_told_apart(low: float, high: float) -> None:
    texts = [text for text in tick_texts(low, high) if text]
    assert 2 <= len(set(texts)) == len(texts) <= 6


@pytest.mark.parametrize("value", [0.0, 5.0, -3e9, 2e-6])
def test_a_range_without_extent_is_widened_by_values_of_its_size(value: float) -> None:
    low, high = new_chart("", "", "", "", (value, value), (0, 1)).axes.get_xlim()
    assert low < value < high
    assert max(abs(low), abs(high)) <= 1.6 * (abs(value) or 1.0)


@pytest.mark.parametrize(("low", "high"), [(1.95e-6, 2e-6), (0, 1e-9), (-1e-12, 0), (3e9, 3.1e9)])
def test_a_small_range_of_small_values_is_kept(low: float, high: float) -> None:
    assert new_chart("", "", "", "", (low, high), (0, 1)).axes.get_xlim() == (low, high)


def test_the_extent_passes_over_what_is_not_finite() -> None:
    assert extent([3, math.nan, -1, math.inf]) == (-1, 3)
    assert extent([math.nan]) == (0, 1)


def test_the_title_and_the_description_name_a_chart_and_every_text_is_escaped() -> None:
    root = ElementTree.fromstring(inline_svg(chart(), "one"))
    assert root.get("role") == "img"
    assert (root.get("aria-labelledby"), root.get("aria-describedby")) == (root[0].get("id"), root[1].get("id"))
    assert [root[0].text, root[1].text] == ["a <title>", "a & description"]
    assert {"<hint>", "1 in 0..1"} <= {element.text for element in root.iter("title")}
    assert "<b>&" in {element.text for element in root.iter("text")}


def test_an_inline_chart_has_the_colours_of_the_page_and_nothing_that_its_policy_forbids() -> None:
    svg = inline_svg(chart(), "one")
    assert {f'"var(--{role})"' for role in Role if f'"var(--{role})"' in svg} == {f'"var(--{role})"' for role in Role}
    assert not [colour for colour in LIGHT.values() if colour in svg]
    for forbidden in ("style", "http", "url(", "clip-path", "xlink", "font"):
        assert forbidden not in svg


def test_charts_of_a_page_share_no_identifier_and_each_is_drawn_the_same_again() -> None:
    def identifiers(svg: str) -> set[str]:
        return {element.get("id", "") for element in ElementTree.fromstring(svg).iter() if element.get("id")}

    one, two = inline_svg(chart(), "one"), inline_svg(chart(), "two")
    assert identifiers(one)
    assert not identifiers(one) & identifiers(two)
    assert one == inline_svg(chart(), "one")


def test_a_file_is_whole_without_a_page() -> None:
    root = ElementTree.fromstring(standalone_svg(chart()))
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == f"0 0 {WIDTH} {HEIGHT}"
    assert "font" in (root.findtext(f"{SVG}style") or "")
    assert LIGHT[Role.SAME] in {element.get("stroke") for element in root.iter()}
    assert "var(" not in standalone_svg(chart())


def test_a_picture_is_drawn_the_same_again_and_a_failure_leaves_the_one_before(tmp_path: Path) -> None:
    file, again = tmp_path / "new" / "scores.png", tmp_path / "again.png"
    write_png(chart().figure, file)
    write_png(chart().figure, again)
    assert file.read_bytes() == again.read_bytes()
    with Image.open(file) as picture:
        assert (picture.format, picture.size) == ("PNG", (WIDTH * PIXELS_A_POINT, HEIGHT * PIXELS_A_POINT))
    with pytest.raises(UserError, match=r"scores\.png"):
        write_png(chart().figure, file / "below.png")
    assert [path.name for path in file.parent.iterdir()] == ["scores.png"]
