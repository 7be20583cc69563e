"""What the page's form holds, and the items that it stands for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile

from data.image_store import GivenImages
from data.item import Item, parse_attributes
from data.jsonl import LONE_SURROGATE
from engine.verifier import Verifier
from options.errors import UserError
from tools.views.explaining.catalogue import Catalogue, Listing
from tools.views.explaining.parts import SIDES, Side

LARGEST_IMAGE = 16 * 2**20
"""Bytes of an uploaded image."""
LONGEST_TEXT = 4000
"""Characters of a field."""
CHECKED_SIZE = 64
"""Pixels to which an upload is decoded to see whether it can be."""
TEXT_FIELDS = ("from", "id", "title", "attributes", "category")


@dataclass(frozen=True, slots=True)
class EnteredItem:
    """One side of the form, as it was sent."""

    fields: Mapping[str, str]
    """The TEXT_FIELDS."""
    image: bytes = b""
    """Empty without one."""
    image_name: str = ""

    @property
    def is_picked(self) -> bool:
        """Whether the item is one of the catalogue."""
        return self.fields["from"] == "catalogue"


@dataclass(frozen=True, slots=True)
class EnteredPair:
    """The whole form."""

    sides: Mapping[Side, EnteredItem]
    explained: bool
    """Whether parts are to be left out in turn."""


def empty_pair(from_catalogue: bool) -> EnteredPair:
    """Return the form as it is first shown."""
    fields = dict.fromkeys(TEXT_FIELDS, "") | {"from": "catalogue" if from_catalogue else "entered"}
    return EnteredPair({side: EnteredItem(fields) for side in SIDES}, explained=True)


async def read_form(form: FormData) -> EnteredPair:
    """Return what was sent; fields that are absent are empty, and more of a file than LARGEST_IMAGE is not read."""
    sides = {}
    for side in SIDES:
        texts = {field: form.get(f"{side}_{field}") for field in TEXT_FIELDS}
        fields = {
            field: LONE_SURROGATE.sub("\ufffd", text) if isinstance(text, str) else "" for field, text in texts.items()
        }
        if isinstance(upload := form.get(f"{side}_image"), UploadFile):
            sides[side] = EnteredItem(fields, await upload.read(LARGEST_IMAGE + 1), upload.filename or "")
        else:
            sides[side] = EnteredItem(fields)
    return EnteredPair(sides, explained="explained" in form)


def listing_of(entered: EnteredItem, side: Side, catalogue: Catalogue, verifier: Verifier) -> Listing:
    """Return the item that a side of the form stands for; raises UserError saying what to enter instead."""
    try:
        return _picked(entered, catalogue) if entered.is_picked else _entered(entered, side, verifier)
    except UserError as error:
        raise UserError(f"{side.capitalize()}: {error}") from error


def _picked(entered: EnteredItem, catalogue: Catalogue) -> Listing:
    item_id = entered.fields["id"].strip()
    if not item_id:
        raise UserError("pick an item of the catalogue, or enter one")
    listing = catalogue.find(item_id)
    if listing is None:
        raise UserError(f"no item of the catalogue has the id {item_id[:80]!r}; search for its title")
    return listing


def _entered(entered: EnteredItem, side: Side, verifier: Verifier) -> Listing:
    fields = entered.fields
    if any(len(text) > LONGEST_TEXT for text in fields.values()):
        raise UserError(f"a text has more than {LONGEST_TEXT:,} characters")
    item = Item(
        f"the {side}",
        fields["title"],
        _attributes(fields["attributes"]),
        fields["category"].strip(),
        entered.image_name,
    )
    if not verifier.options.reads.image:
        return Listing(item, None)
    if not entered.image:
        raise UserError("choose an image file, since this model reads pictures")
    if len(entered.image) > LARGEST_IMAGE:
        raise UserError(f"the image file has more than {LARGEST_IMAGE >> 20} MiB")
    images = GivenImages({item.image: entered.image}, verifier.options.data.image.rules)
    images.read(item.image, CHECKED_SIZE)
    return Listing(item, images)


def _attributes(lines: str) -> dict[str, tuple[str, ...]]:
    """Return the attributes of lines such as `品牌: 木岚` or `品牌=木岚`."""
    parts = (re.split("[:：=＝]", line, maxsplit=1) for line in lines.splitlines())
    return parse_attributes(";".join(":".join(map(str.strip, part)) for part in parts), "")
