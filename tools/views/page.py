"""What all pages share: templates, style, what they may load, and how texts and pictures stand in them."""

from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from data.image_store import ImageSource
from data.item_catalog import ItemCatalog
from data.item_image import BadImageError
from options.printable import printable
from tools.views.colours import DARK, LIGHT, variables

LONGEST_TITLE, LONGEST_VALUE = 200, 80
"""Characters that are shown."""
SIDE = 192
"""Pixels of width and height of a small picture."""
QUALITY = 72
"""Of the JPEG, 1 to 95."""


@cache
def templates() -> Environment:
    """Return the templates of the pages; every text that is given to one is escaped.

    A text loses the characters that steer the direction of what follows, unless the filter `as_entered` keeps them.
    """
    made = Environment(
        loader=PackageLoader("tools.views", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "as_entered": escape,
        "change": change,
        "picture_uri": picture_uri,
        "shown": shown,
        "signed": signed,
        "thousands": "{:,}".format,
    }
    made.globals |= {"LONGEST_TITLE": LONGEST_TITLE, "LONGEST_VALUE": LONGEST_VALUE}
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    return made


def render_file(template: str, style: str, script: str = "", **content: object) -> str:
    """Return a page that is a file of its own: it loads nothing and runs no script but the given one."""
    policy = (
        f"default-src 'none'; img-src data:; style-src {hash_source(style)}; script-src {hash_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return templates().get_template(template).render(policy=policy, style=style, script=script, **content)


def page_style(*more: str) -> Markup:
    """Return the style sheet of a page, light and dark, with those of the given files after it."""
    common = templates().get_template("page.css").render(light=variables(LIGHT), dark=variables(DARK))
    return Markup("").join([Markup(common), *map(resource, more)])


def resource(name: str) -> Markup:
    """Return a style sheet or script of ours as it stands in a page."""
    return Markup(files("tools.views").joinpath("templates", name).read_text(encoding="utf-8"))


def hash_source(content: str) -> str:
    """Return the source of a Content-Security-Policy that allows this style sheet or script alone."""
    return f"'sha256-{b64encode(sha256(content.encode('utf-8')).digest()).decode('ascii')}'"


def signed(number: float, decimals: int) -> str:
    """Return a number with so many decimals and a true minus sign."""
    return f"{number:.{decimals}f}".replace("-", "−")


def change(number: float) -> str:
    """Return a difference with its sign."""
    return ("+" if number > 0 else "") + signed(number, 3)


def shown(text: str, longest: int) -> str:
    """Return the text on one line, cut where it is longer than `longest` characters."""
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def thumbnails(catalog: ItemCatalog, images: ImageSource, rows: Iterable[int]) -> dict[int, str]:
    """Return the data URI of the picture of each of these rows of the catalogue; unreadable pictures are left out."""
    uris = {}
    for row in tqdm(list(rows), desc="pictures", unit="picture", leave=False, disable=None):
        try:
            pixels = images.read(catalog[row].image, SIDE)
        except BadImageError:
            continue  # the page says that there is no picture
        uris[row] = picture_uri(pixels)
    return uris


def picture_uri(pixels: NDArray[np.uint8]) -> str:
    """Return a picture (H, W, 3) as a data URI."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode('ascii')}"
