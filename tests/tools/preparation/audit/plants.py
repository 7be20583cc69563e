"""A change of clean data for every kind of finding."""

import shutil
from collections.abc import Callable
from typing import NamedTuple

from PIL import ExifTags, Image

from tests.colour_profiles import display_p3
from tests.tools.preparation.audit.clean_data import CleanData, Line, item, noise_picture, pair
from tools.preparation.audit.finding import Severity

NOTE, WARNING, FAULT = Severity.NOTE, Severity.WARNING, Severity.FAULT


class Plant(NamedTuple):
    """What is found after a change of clean data."""

    kind: str
    severity: Severity
    split: str
    change: Callable[[CleanData], object]
    also: frozenset[str] = frozenset()
    """Other kinds that follow from it."""
    still_loads: bool = False
    """Whether the split can be loaded all the same, though it is surely wrong."""


def change_item(item_id: str, **fields: object) -> Callable[[CleanData], object]:
    return lambda data: data.item(item_id).update(fields)


def rename_item(item_id: str, other: str) -> Callable[[CleanData], object]:
    def change(data: CleanData) -> None:
        for lines in (*data.items.values(), *data.pairs.values()):
            for line in lines:
                assert isinstance(line, dict)
                line.update({key: other for key, value in line.items() if value == item_id})

    return change


def add_items(split: str, *lines: Line) -> Callable[[CleanData], object]:
    return lambda data: data.items[split].extend(lines)


def add_pairs(split: str, *lines: Line) -> Callable[[CleanData], object]:
    return lambda data: data.pairs[split].extend(lines)


def put_image(
    item_id: str, picture: Image.Image, image_format: str = "PNG", orientation: int = 1, icc_profile: bytes = b""
) -> Callable[[CleanData], object]:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return lambda data: picture.save(data.image(item_id), image_format, exif=exif, icc_profile=icc_profile)


def put_bytes(item_id: str, content: bytes) -> Callable[[CleanData], object]:
    return lambda data: data.image(item_id).write_bytes(content)


def rename_image(item_id: str, name: str) -> Callable[[CleanData], object]:
    """Give an item's picture another name, and the item a name that has no picture's suffix."""

    def change(data: CleanData) -> None:
        data.image(item_id).rename(data.image(item_id).with_name(name))
        data.item(item_id)["item_image_name"] = f"{item_id}.5"

    return change


def cut_image(item_id: str) -> Callable[[CleanData], object]:
    return lambda data: data.image(item_id).write_bytes(data.image(item_id).read_bytes()[:700])


def copy_image(source: str, target: str) -> Callable[[CleanData], object]:
    return lambda data: shutil.copy(data.image(source), data.image(target))


def set_file(split: str, key: str, name: str) -> Callable[[CleanData], object]:
    return lambda data: data.tree["data"][split].update({key: name})


def relabel(split: str, label: str) -> Callable[[CleanData], object]:
    return lambda data: [line.update(item_label=label) for line in data.pairs[split]]


def both(*changes: Callable[[CleanData], object]) -> Callable[[CleanData], object]:
    return lambda data: [change(data) for change in changes]


def other_attributes(split: str) -> Callable[[CleanData], object]:
    return lambda data: [line.update(item_pvs="#别的#:#x#", sku_pvs="") for line in data.items[split]]


def name_attributes(*names: str) -> Callable[[CleanData], object]:
    return lambda data: data.tree["data"]["text"].update(attributes=names)


def warn_of_overlap(data: CleanData) -> None:
    data.tree["data"]["on_split_overlap"] = "warn"


BAD_ITEM_LINES = (
    b'{"item_id": "y"',
    '{"item_id": "花"}'.encode("gbk"),
    b'{"item_id": "y", "item_image_name": "a.png", "title": NaN}',
    b"[1]",
    b'{"item_id": "y", "item_image_name": "a.png", "title": 5}',
    b'{"item_image_name": "a.png"}',
    b'{"item_id": "y"}',
    b'{"item_id": "y", "item_image_name": "../a.png"}',
)
A_AGAIN = {"title": "花瓶 a", "item_pvs": "#品牌#:#a#;#型号#:#x-a1#;"}
"""What makes another item's text that of item a."""
A_WHOLLY = {**A_AGAIN, "item_image_name": "a.png"}
"""What makes another item equal to item a."""

PLANTS = [
    *(Plant("item-malformed", FAULT, "val", add_items("val", line)) for line in BAD_ITEM_LINES),
    Plant("item-repeated", FAULT, "train", add_items("train", item("c"))),
    Plant("item-unpaired", NOTE, "test", both(add_items("test", item("z")), put_image("z", noise_picture(1, 30, 30)))),
    Plant("item-equal", WARNING, "train", change_item("b", **A_WHOLLY)),
    Plant("item-id-shortened", WARNING, "train", rename_item("d", "1.23457E+11")),
    Plant("item-no-category", NOTE, "val", change_item("j", cate_name="")),
    Plant("item-no-title", WARNING, "train", change_item("a", title=None)),
    Plant("item-no-text", WARNING, "train", change_item("a", title="", item_pvs="#别的#:#x#;", sku_pvs=None)),
    Plant("item-no-attributes", NOTE, "test", change_item("s", item_pvs=None, sku_pvs="")),
    Plant("attribute-lost", WARNING, "train", change_item("d", item_pvs="#品牌#:#d#;no name;")),
    Plant("attribute-notation", NOTE, "train", change_item("d", item_pvs="品牌:d;型号:x")),
    Plant("attribute-misread", WARNING, "train", change_item("d", item_pvs="#品牌#:#长：1；宽：5#;#型号#:#x#;")),
    Plant("attribute-absent", FAULT, "train", other_attributes("train"), still_loads=True),
    Plant("attribute-absent", WARNING, "val", other_attributes("val")),
    Plant("attribute-rare", WARNING, "train",
          both(name_attributes("品牌", "别的"), *(change_item(name, sku_pvs="#别的#:#x#") for name in "iq"))),
    Plant("attribute-misread", WARNING, "val", change_item("j", item_pvs="#型号#:#x#; 品牌:木岚")),
    Plant("item-damaged", WARNING, "train", change_item("d", title="花瓶 d\ud83d")),
    Plant("item-damaged", WARNING, "train", change_item("d", sku_pvs="#颜色分类#:#\ufffd#;")),
    Plant("item-id-alike", WARNING, "train", both(
          add_items("train", item("a ", title="花瓶 z", item_image_name="z.png")),
          put_image("z", noise_picture(1, 30, 30)), add_pairs("train", pair("a ", "d", "0")))),
    Plant("key-unread", WARNING, "train", change_item("d", titel="花瓶")),
    Plant("key-unread", WARNING, "test", add_pairs("test", pair("q", "t", "0") | {"label": 1})),
    Plant("title-huge", WARNING, "train", change_item("d", title="花" * 10_001), frozenset({"text-cut"})),
    Plant("title-control-signs", NOTE, "train", change_item("d", title="花\x1b瓶 d")),
    Plant("title-bidi-marks", NOTE, "train", change_item("d", title="花\u202e瓶 d")),
    Plant("title-html", NOTE, "train", change_item("d", title="<b>花瓶 d")),
    Plant("title-html", NOTE, "train", change_item("d", title="花瓶&nbsp;d")),
    Plant("pair-malformed", FAULT, "train", add_pairs("train", b'{"src_item_id": "a"}')),
    Plant("pair-malformed", FAULT, "train", add_pairs("train", pair("a", "b", "2"))),
    Plant("pair-malformed", FAULT, "test", add_pairs("test", b"\xff")),
    Plant("pair-dangling", FAULT, "val", add_pairs("val", pair("i", "nobody", "0"))),
    Plant("pair-of-itself", WARNING, "train", add_pairs("train", pair("a", "a", "1"))),
    Plant("pair-of-itself", FAULT, "train", add_pairs("train", pair("a", "a", "0")), still_loads=True),
    Plant("pair-repeated", WARNING, "train", add_pairs("train", pair("a", "b", "1"))),
    Plant("pair-repeated", WARNING, "train", add_pairs("train", pair("b", "a", "1"))),
    Plant("pair-contradictory", FAULT, "train", add_pairs("train", pair("a", "b", "0")), still_loads=True),
    Plant("pair-contradictory", FAULT, "train", add_pairs("train", pair("g", "a", "1")), still_loads=True),
    Plant("pair-chain", WARNING, "val", add_pairs("val", pair("j", "p", "1"), pair("i", "o", "0")),
          frozenset({"pair-repeated"})),
    Plant("pair-shared", WARNING, "test",
          both(add_items("test", item("i"), item("j")), add_pairs("test", pair("j", "i", "1"))),
          frozenset({"overlap-item"})),
    Plant("label-missing", FAULT, "train", add_pairs("train", pair("a", "d", None))),
    Plant("label-missing", FAULT, "test", add_pairs("test", pair("q", "t", None))),
    Plant("label-one-sided", FAULT, "val", relabel("val", "0"), still_loads=True),
    Plant("label-one-sided", FAULT, "train", relabel("train", "1"), still_loads=True),
    Plant("label-one-sided", WARNING, "test", relabel("test", "0")),
    Plant("file-missing", FAULT, "val", set_file("val", "items", "no/such/file")),
    Plant("file-missing", FAULT, "val", set_file("val", "pairs", "no/such/file")),
    Plant("file-missing", FAULT, "val", set_file("val", "images", "no/such/folder")),
    Plant("file-unreadable", FAULT, "train", set_file("train", "items", ".")),
    Plant("file-unreadable", FAULT, "train", set_file("train", "pairs", ".")),
    Plant("file-unreadable", FAULT, "val", set_file("val", "images", "/dev/null")),
    Plant("file-empty", FAULT, "train", lambda data: data.items["train"].clear()),
    Plant("file-empty", FAULT, "train", lambda data: data.pairs["train"].clear()),
    Plant("image-missing", FAULT, "train", lambda data: data.image("c").unlink()),
    Plant("image-broken", FAULT, "test", cut_image("q")),
    Plant("image-broken", FAULT, "test", put_bytes("q", b"")),
    Plant("image-broken", FAULT, "test", put_bytes("q", b"no image at all")),
    Plant("image-broken", FAULT, "test", lambda data: (data.image("q").unlink(), data.image("q").mkdir())),
    Plant("image-unsupported", FAULT, "test", put_bytes("q", b"\0\0\0 ftypheic" + bytes(50))),
    Plant("image-unsupported", FAULT, "test", put_bytes("q", b'<svg xmlns="">')),
    Plant("image-too-large", FAULT, "val", put_image("i", Image.new("1", (20_000, 5_001)))),
    Plant("image-too-large", FAULT, "val", put_image("i", Image.new("1", (20_000, 10_000)))),
    Plant("image-large", WARNING, "val", put_image("i", Image.radial_gradient("L").resize((5_000, 4_001)))),
    Plant("image-tiny", WARNING, "val", put_image("i", noise_picture(1, 40, 15))),
    Plant("image-narrow", WARNING, "val", put_image("i", noise_picture(1, 161, 20))),
    Plant("image-one-colour", WARNING, "val", put_image("i", Image.new("RGB", (40, 40), "white"))),
    Plant("image-suffix", NOTE, "val", put_image("i", noise_picture(1, 40, 40), "JPEG")),
    Plant("image-turned", NOTE, "val", put_image("i", noise_picture(1, 40, 40), orientation=6)),
    Plant("image-profile", NOTE, "val", put_image("i", noise_picture(1, 40, 40), icc_profile=display_p3())),
    Plant("image-stand-in", WARNING, "val", rename_image("i", "i.jpg"), also=frozenset({"image-suffix"})),
    Plant("image-repeated", NOTE, "val", copy_image("i", "j")),
    Plant("text-cut", WARNING, "train", change_item("a", title="花瓶" * 30)),
    Plant("tokens-unknown", WARNING, "val", change_item("i", title="鑫" * 20), frozenset({"text-cut"})),
    Plant("overlap-text", WARNING, "val", change_item("i", **A_AGAIN)),
    Plant("overlap-image", WARNING, "test", copy_image("a", "q")),
    Plant("overlap-listing", FAULT, "val", change_item("i", **A_WHOLLY), still_loads=True),
    Plant("overlap-listing", WARNING, "val", both(change_item("i", **A_WHOLLY), warn_of_overlap)),
    Plant("overlap-listing", WARNING, "test", change_item("q", **A_WHOLLY)),
    Plant("overlap-item", FAULT, "val", both(add_items("val", item("a")), add_pairs("val", pair("a", "i", "0"))),
          still_loads=True),
    Plant("overlap-item", WARNING, "test", both(add_items("test", item("a")), add_pairs("test", pair("a", "q", "0")))),
]  # fmt: skip
