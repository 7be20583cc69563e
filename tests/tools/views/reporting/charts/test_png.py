from math import dist
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from options.errors import UserError
from tools.views.colours import LIGHT
from tools.views.reporting.charts.drawing import Box, Drawing, Label, Line, Role
from tools.views.reporting.charts.png import DASH, GAP, PIXELS_A_UNIT, dashes, picture_of, write_png


def pixels(*marks: Box | Line | Label) -> np.ndarray:
    return np.asarray(picture_of(Drawing(60, 40, "", "", marks))).astype(int)


def test_a_box_has_its_colour_at_its_place_and_the_rest_stays_white() -> None:
    picture = pixels(Box(10, 10, 20, 20, Role.SAME))
    assert picture.shape == (40 * PIXELS_A_UNIT, 60 * PIXELS_A_UNIT, 3)
    assert tuple(picture[20 * PIXELS_A_UNIT, 20 * PIXELS_A_UNIT]) == LIGHT.of_role[Role.SAME]
    assert (picture[:, 35 * PIXELS_A_UNIT :] == 255).all()


def test_a_translucent_box_lets_what_is_below_show_through() -> None:
    below, above = LIGHT.of_role[Role.DIFFERENT], LIGHT.of_role[Role.SAME]
    picture = pixels(Box(0, 0, 60, 40, Role.DIFFERENT), Box(0, 0, 60, 40, Role.SAME, 0.5))
    expected = [(a + b) / 2 for a, b in zip(below, above, strict=True)]
    np.testing.assert_allclose(picture[60, 90], expected, atol=2)


def test_upward_text_is_taller_than_wide_and_stands_above_its_place() -> None:
    inked = np.argwhere(pixels(Label((30, 36), "pairs", Role.INK, upwards=True)).sum(axis=2) < 300)
    (top, left), (bottom, right) = inked.min(axis=0), inked.max(axis=0)
    assert bottom - top > right - left
    assert bottom <= 36 * PIXELS_A_UNIT + 1
    assert right <= 34 * PIXELS_A_UNIT


def test_every_sign_of_a_label_is_drawn_and_none_as_an_empty_box() -> None:
    unknown = pixels(Label((5, 20), "\ue000", Role.INK))
    minus = pixels(Label((5, 20), "−", Role.INK))
    assert (minus < 255).any()
    assert (minus != unknown).any()


def test_dashes_cover_their_share_of_a_line_around_corners() -> None:
    corner = ((0.0, 0.0), (45.0, 0.0), (45.0, 45.0))
    strokes = dashes(corner)
    assert sum(dist(start, end) for start, end in strokes) == pytest.approx(90 * DASH / (DASH + GAP))
    assert all(dist(start, end) <= DASH + 1e-6 for start, end in strokes)


def test_the_file_is_a_picture_and_a_failure_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "new" / "scores.png"
    write_png(Drawing(60, 40, "", "", ()), file)
    with Image.open(file) as picture:
        assert (picture.format, picture.size) == ("PNG", (60 * PIXELS_A_UNIT, 40 * PIXELS_A_UNIT))
    with pytest.raises(UserError, match=r"scores\.png"):
        write_png(Drawing(60, 40, "", "", ()), file / "below.png")
    assert [path.name for path in file.parent.iterdir()] == ["scores.png"]
