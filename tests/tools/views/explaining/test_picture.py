from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontEntry

from tests.tools.views.explaining.test_table import EXPLANATION
from tools.views.chart import PIXELS_A_POINT, POINTS_PER_INCH
from tools.views.colours import LIGHT, Role
from tools.views.explaining import picture
from tools.views.explaining.parts import Effect, Part
from tools.views.explaining.picture import STRONGEST, explanation_picture, heat_map

GREY = np.full((10, 10, 3), 100, np.uint8)
REGIONS = (
    Effect(Part("source", "region", "row 1, column 1", (0, 0)), 0.0, -1.0),
    Effect(Part("source", "region", "row 1, column 2", (0, 1)), 1.5, 0.5),
    Effect(Part("source", "region", "row 2, column 1", (1, 0)), 1.0, 0.0),
)


def test_regions_are_coloured_by_what_they_speak_for_and_how_strongly() -> None:
    heat = heat_map(replace(EXPLANATION, effects=REGIONS), "source")
    assert heat[0, 0].tolist() == [*to_rgb(LIGHT[Role.SAME]), STRONGEST]
    assert heat[0, 1].tolist() == [*to_rgb(LIGHT[Role.DIFFERENT]), STRONGEST / 2]
    assert heat[1, :, 3].tolist() == [0, 0]
    assert not heat_map(replace(EXPLANATION, effects=REGIONS), "target").any()


def test_the_heat_lies_over_the_grey_picture() -> None:
    figure = explanation_picture(replace(EXPLANATION, effects=REGIONS), [GREY, GREY])
    below, heat = figure.axes[0].images
    assert below.get_array().shape == (10, 10)
    assert heat.get_extent() == below.get_extent()
    assert len(figure.axes[1].images) == 1


@pytest.mark.parametrize("pictures", [[None, None], [GREY, None]])
@pytest.mark.parametrize("effects", [EXPLANATION.effects, ()])
def test_a_picture_is_made_of_pairs_without_pictures_or_effects(
    pictures: list[np.ndarray | None], effects: tuple[Effect, ...]
) -> None:
    found = explanation_picture(replace(EXPLANATION, effects=effects), pictures)
    found.draw_without_rendering()
    panels = 0 if all(given is None for given in pictures) else 2  # of a model that reads none
    assert len(found.axes) == panels + (len(effects) > 0)
    shown = [text.get_text() for axes in found.axes for text in axes.texts]
    assert shown.count("no picture") == panels // 2


@pytest.mark.parametrize(("font", "name"), [("Noto Sans SC", "瓶 (character 5)"), (None, "word at character 5")])
def test_without_a_chinese_font_words_are_named_by_their_places(
    monkeypatch: pytest.MonkeyPatch, font: str | None, name: str
) -> None:
    monkeypatch.setattr(picture, "chinese_font", lambda: font)
    bars = explanation_picture(EXPLANATION, [None, None]).axes[0]
    assert f"3  source: {name}" in [label.get_text() for label in bars.get_yticklabels()]


def test_dollar_signs_of_a_name_are_no_formula() -> None:
    effect = Effect(Part("source", "attribute", "$\\frac$"), 0.0, -1.0)
    explanation_picture(replace(EXPLANATION, effects=(effect,)), [None, None]).draw_without_rendering()


def test_the_first_of_the_known_chinese_fonts_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = [FontEntry(name=name) for name in ("SimHei", "DejaVu Sans", "Noto Sans CJK JP")]
    monkeypatch.setattr(picture.fontManager, "ttflist", installed)
    assert picture.chinese_font() == "Noto Sans CJK JP"
    monkeypatch.setattr(picture.fontManager, "ttflist", installed[1:2])
    assert picture.chinese_font() is None


def test_a_picture_of_very_many_bars_can_still_be_drawn() -> None:
    effects = tuple(Effect(Part("source", "word", "a", (word, word + 1)), 0.0, 0.1) for word in range(1700))
    figure = explanation_picture(replace(EXPLANATION, effects=effects), [None, None], most_bars=1700)
    assert figure.get_figheight() * POINTS_PER_INCH * PIXELS_A_POINT < 2**16
