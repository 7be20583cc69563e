import json
from base64 import b64decode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError
from PIL import Image

from data.item_catalog import ItemCatalog
from data.item_image import BadImageError
from tests.tools.views.reporting.synthetic import HOSTILE, PlainImages, invented_item
from tools.views.page import SIDE, page_style, shown, signed, templates, thumbnails

CATALOG = ItemCatalog(map(invented_item, range(4)))


@dataclass(frozen=True)
class OneBroken:
    """Images of which that of item 2 cannot be read."""

    path: Path = Path("images")

    def read(self, name: str, size: int) -> np.ndarray:
        if name == "2.jpg":
            raise BadImageError("2.jpg: unreadable image")
        return PlainImages().read(name, size)

    def newest(self, names: object) -> int:
        return 0


def test_a_thumbnail_is_a_small_jpeg_inside_an_address() -> None:
    uri = thumbnails(CATALOG, PlainImages(), [1])[1]
    head, _, content = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(BytesIO(b64decode(content))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (SIDE, SIDE))


def test_unreadable_pictures_are_left_out() -> None:
    assert set(thumbnails(CATALOG, OneBroken(), [1, 2, 3])) == {1, 3}


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shown("ab\ncd", 5) == "ab cd"
    assert shown("abcdefgh", 5) == "abcd…"


def rendered(template: str, **content: object) -> str:
    return templates().from_string(template).render(**content)


def test_texts_are_escaped_and_lose_what_steers_the_direction_of_others() -> None:
    assert rendered("{{ text }}", text="<b>\u202e&\n") == "&lt;b&gt;\\u202e&amp;\n"
    assert rendered("{{ text|as_entered }}", text="<b>\u202e") == "&lt;b&gt;\u202e"


def test_a_value_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        rendered("{{ absent }}")


def test_no_text_in_json_can_end_the_script_element() -> None:
    text = rendered("{{ content|tojson }}", content={"title": HOSTILE, "name": "木"})
    assert not {*"<>&'"} & {*text}
    assert "木" in text
    assert json.loads(text)["title"] == HOSTILE


def test_numbers_have_a_true_minus_sign() -> None:
    assert signed(-1.5, 2) == "−1.50"
    assert rendered("{{ 0.5|change }} {{ 12345|thousands }}") == "+0.500 12,345"


def test_the_style_has_the_colours_of_both_themes() -> None:
    style = page_style("serve.css")
    assert style.count("--same: #") == 2
    assert "{{" not in style
    assert ".sides" in style
