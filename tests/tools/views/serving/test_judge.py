import re
from dataclasses import replace

import numpy as np

from data.item import Item
from tests.tools.views.explaining.test_picture import REGIONS
from tests.tools.views.explaining.test_table import EXPLANATION
from tools.views.explaining.parts import Effect, Part
from tools.views.page import templates
from tools.views.serving.judge import Judgement

MACROS = templates().get_template("verdict.html").make_module()
PICTURE = np.zeros((8, 8, 3), np.uint8)


def word(start: int, name: str, change: float) -> Effect:
    return Effect(Part("source", "word", name, (start, start + len(name))), 1.0 + change, change)


def test_regions_are_as_deep_as_their_effects_and_blue_where_the_margin_falls() -> None:
    svg = MACROS.heat_map(PICTURE, "source", replace(EXPLANATION, effects=REGIONS))
    cells = re.findall(r'<rect class="(\S+)" x="(\d)" y="(\d)" .*? fill-opacity="([\d.]+)">', svg)
    assert cells == [
        ("fill-same", "0", "0", "0.750"),
        ("fill-different", "1", "0", "0.375"),
        ("fill-different", "0", "1", "0.000"),
    ]
    assert "is row 1, column 1: without it the margin changes by −1.000" in svg


def test_a_picture_without_effects_is_shown_as_it_is_and_a_missing_one_is_named() -> None:
    svg = MACROS.heat_map(PICTURE, "target", replace(EXPLANATION, effects=()))
    assert "coloured" not in svg
    assert "<rect" not in svg
    assert "no picture" in MACROS.heat_map(None, "target", EXPLANATION)


def test_words_are_coloured_at_their_places_and_all_of_the_title_is_escaped() -> None:
    effects = (word(1, "a", -1.0), word(3, "b", 0.5), word(5, "c", 0.01))
    explanation = replace(EXPLANATION, effects=effects)
    item = Item("1", "<a&b>c'", {}, "", "1.jpg")
    judgement = Judgement({"source": item}, {"source": None}, explanation)
    marked = MACROS.marked_title(list(judgement.title_parts("source")), 1.0)
    classes = re.findall(r'<span class="(.*?)"', marked)
    assert classes == ["word same-4", "word different-2", "word"]
    assert re.sub(r"<.*?>", "", marked) == "&lt;a&amp;b&gt;c&#39;"
