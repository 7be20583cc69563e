from dataclasses import replace

import numpy as np
import pytest

from tests.tools.views.explaining.test_table import EXPLANATION
from tools.views.explaining.parts import Effect, Kind, Part
from tools.views.explaining.picture import DIFFERENT, GAP, LINE, PANEL, SAME, STRONGEST, explanation_picture

GREY = np.full((10, 10, 3), 100, np.uint8)
REGIONS = (
    Effect(Part("source", Kind.REGION, "row 1, column 1", (0, 0)), 0.0, -1.0),
    Effect(Part("source", Kind.REGION, "row 1, column 2", (0, 1)), 1.5, 0.5),
    Effect(Part("source", Kind.REGION, "row 2, column 1", (1, 0)), 1.0, 0.0),
)


def mixed(colour: tuple[int, int, int], share: float) -> list[int]:
    return [round(100 + share * (channel - 100)) for channel in colour]


def test_regions_are_coloured_by_what_they_speak_for_and_how_strongly() -> None:
    explanation = replace(EXPLANATION, effects=REGIONS)
    pixels = np.asarray(explanation_picture(explanation, [GREY, GREY]))
    left, top = GAP, GAP + LINE
    quarter = PANEL // 4
    assert pixels[top + quarter, left + quarter].tolist() == mixed(SAME, STRONGEST)
    assert pixels[top + quarter, left + 3 * quarter].tolist() == mixed(DIFFERENT, STRONGEST / 2)
    assert pixels[top + 3 * quarter, left + quarter].tolist() == [100, 100, 100]
    assert pixels[top + quarter, left + PANEL + GAP + quarter].tolist() == [100, 100, 100]


@pytest.mark.parametrize("pictures", [[None, None], [GREY, None]])
@pytest.mark.parametrize("effects", [EXPLANATION.effects, ()])
def test_a_picture_is_made_of_pairs_without_pictures_or_effects(
    pictures: list[np.ndarray | None], effects: tuple[Effect, ...]
) -> None:
    found = explanation_picture(replace(EXPLANATION, effects=effects), pictures)
    assert found.width == 2 * PANEL + 3 * GAP
    assert len(set(found.crop((0, PANEL + 2 * GAP, *found.size)).getdata())) > 2
