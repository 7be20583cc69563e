"""What an audit has to find, by other means: the reading of training, and a slow search for what nothing reads."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from data.image_store import open_images
from data.item import Item, item_text, parse_attributes
from data.item_image import BadImageError
from data.jsonl import DataError
from data.loading import load_split
from data.split_overlap import overlap_message
from data.tokenizer import Tokenizer
from engine.experiment import ExperimentOptions
from engine.training import load_splits
from options.errors import UserError

KEYS = {
    "item": {
        "item_id",
        "title",
        "item_pvs",
        "sku_pvs",
        "item_image_name",
        "cate_name",
        "cate_id",
        "industry_name",
        "cate_id_path",
        "cate_name_path",
    },
    "pair": {"src_item_id", "tgt_item_id", "item_label", "kind"},
}
"""What is read, and what the published files have besides."""


class Due(NamedTuple):
    """Something that an audit has to report."""

    reason: str
    file: Path | None = None
    """None where training names no file of lines."""
    line: int | None = None
    item: str | None = None
    is_end: bool = False
    """Whether it ends training or prediction."""


def endings(options: ExperimentOptions) -> Iterator[Due]:
    """Yield what ends training, from its first line to its last picture, and what ends prediction."""
    try:
        train, val = load_splits(options)
        message = overlap_message(train, val)
        if message is not None and options.data.on_split_overlap == "error":
            raise UserError(message)
        for split in (train, val):
            split.items.batch(range(len(split.catalog)))
    except UserError as error:
        yield _ending(error)
    if options.data.test is not None:
        try:
            test = load_split(options.data.test, options.data, options.reads, labelled=False)
            test.items.batch(range(len(test.catalog)))
        except UserError as error:
            yield _ending(error)


def _ending(error: UserError) -> Due:
    item = re.search(r"\(image of item (.*)\)\. Mend", str(error)) if isinstance(error, BadImageError) else None
    file = Path(str(error).removesuffix(f": {error.reason}")) if isinstance(error, DataError) else None
    if isinstance(error, DataError) and error.line is not None:
        file = Path(str(file).removesuffix(f":{error.line}"))
        return Due(str(error), file, error.line, is_end=True)
    return Due(str(error), file, item=ast.literal_eval(item[1]) if item else None, is_end=True)


def unread_values(options: ExperimentOptions, whole: Tokenizer) -> Iterator[Due]:
    """Yield the values stated of the items that pairs name, and of pairs, that reach no text, no pair and no picture.

    Lines that are no record, and values of a wrong type, end training and are passed over here.

    Args:
        options: a whole option file.
        whole: a tokenizer that cuts nothing.
    """
    for name in ("train", "val", "test"):
        files = options.data.split(name)
        if files is None:
            continue
        paired = set()
        for number, record in _records(files.pairs):
            paired |= {record["src_item_id"], record["tgt_item_id"]} if _is_pair(record) else set()
            yield from _unknown_keys(files.pairs, number, record, "pair")
        seen = set()
        for number, record in _records(files.items):
            item_id = record.get("item_id")
            texts = [record.get(key) for key in ("title", "item_pvs", "sku_pvs", "item_image_name")]
            if not isinstance(item_id, str) or item_id not in paired or item_id in seen:
                continue
            seen.add(item_id)
            yield from _unknown_keys(files.items, number, record, "item")
            if all(text is None or isinstance(text, str) for text in texts):
                for reason in _unread_of_item(options, whole, files.images, [text or "" for text in texts]):
                    yield Due(reason, files.items, number, item_id)


def _is_pair(record: dict[str, Any]) -> bool:
    are_ids = all(isinstance(record.get(key), str) and record[key] for key in ("src_item_id", "tgt_item_id"))
    return are_ids and record.get("item_label") in (None, "0", "1")


def _records(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if not file.is_file():
        return
    for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
        try:
            record = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield number, record


def _unknown_keys(file: Path, number: int, record: dict[str, Any], kind: str) -> Iterator[Due]:
    for key, value in record.items():
        if key not in KEYS[kind] and value is not None and (not isinstance(value, str) or _visible(value)):
            yield Due(f"key {key!r}", file, number)


def _unread_of_item(options: ExperimentOptions, whole: Tokenizer, images: Path, texts: list[str]) -> Iterator[str]:
    title, item_pvs, sku_pvs, image = texts
    read = options.data.text.attributes
    attributes = parse_attributes(item_pvs, sku_pvs)
    text = item_text(Item("", title, attributes, "", image), read)
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    reached = _visible(text)
    if _visible(title).strip("#") not in reached:
        yield "the title"
    if any("\ud800" <= sign <= "\udfff" or sign == "\ufffd" for sign in title + item_pvs + sku_pvs):
        yield "half a character"
    if not reached.strip(";,"):
        yield "no text at all"
    for notation in (item_pvs, sku_pvs):
        for name, value in statements(notation):
            within = [_visible(",".join(values)) for values in attributes.values()] if name is None else []
            is_asked = name is None or _visible(name) in map(_visible, read)
            if (
                is_asked
                and not any(_visible(value).strip(":,") in other for other in within)
                and _visible(value).replace("#", "") not in reached
            ):
                yield f"the value {value!r} of {name!r}"
    if len(whole([text])[0]) > options.data.text.max_tokens:
        yield "the end of a text that is cut"
    if not image.strip("./\\") or "\0" in image:
        return  # no name of a file, which ends training
    try:
        open_images(images, options.data.image).read(image, options.data.image.size)
    except BadImageError:
        yield "the picture"
    except UserError:
        pass


def statements(notation: str) -> Iterator[tuple[str | None, str]]:
    """Yield the name and the value of what a reader sees in an attribute string; None for a value without a name.

    A reader goes by the marks where there are any, in whatever width: `#name#:#value#`; elsewhere by ; and :.
    """
    fields = unicodedata.normalize("NFKC", notation).split("#")
    loose, place = "", 0
    while place < len(fields):
        is_statement = 1 <= place <= len(fields) - 4 and fields[place + 1].strip() == ":"
        if is_statement:
            yield fields[place], fields[place + 2]
            place += 3
            loose += ";"
        else:
            loose += fields[place]
            place += 1
    for part in loose.split(";"):
        name, colon, value = part.partition(":")
        if colon and _visible(name) and _visible(value):
            yield name, value
        elif _visible(part).strip(":,") and not (colon and _visible(name)):
            yield None, part


def _visible(text: str) -> str:
    """Return what a reader sees of a text, in one width and case."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] not in "ZC")
