"""Item and pair files as sellers, shops and spreadsheets make them: whole ones, and such with every kind of slip.

Pictures are not made for each data set: its items name some of a folder that `write_pictures` has filled.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.tiny_data import CHARACTERS, option_tree, write_tokenizer
from tests.tools.preparation.audit.clean_data import encoded, noise_picture

SPLITS = ("train", "val", "test")
NUM_PICTURES = 24
LONGEST_TEXT = 60
"""Tokens that are read of a text."""
BROKEN_PICTURES = ("missing.png", "empty.png", "cut.png", "page.jpg", "folder.png", "cut", "missing")
OTHER_PICTURES = ("plain.png", "prepared.SS2", "no_suffix", "tiny.png")
NAMES = ("品牌", "颜色分类", "型号")
"""Attributes that are read."""
READABLE = "".join(sign for sign in CHARACTERS if sign.isalnum())
Record = dict[str, Any]


@dataclass
class GeneratedData:
    """Files before they are written: a line is a record, or bytes as they stand."""

    items: dict[str, list[Record | bytes]] = field(default_factory=dict)
    pairs: dict[str, list[Record | bytes]] = field(default_factory=dict)
    line_end: bytes = b"\n"
    whole_files: dict[str, bytes | None] = field(default_factory=dict)
    """Files that are something else altogether; None for one that is not there."""
    on_bad_image: str = "error"
    slips: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write the files of all splits."""
        for kind, files in (("info", self.items), ("pair", self.pairs)):
            for split, lines in files.items():
                file = folder / f"item_{split}_{kind}.jsonl"
                content = b"".join(map(self._line, lines))
                content = self.whole_files.get(file.name, content) or b""
                file.write_bytes(content)
                if self.whole_files.get(file.name, b"") is None:
                    file.unlink()

    def tree(self, folder: Path) -> dict[str, Any]:
        """Return the option file that reads them, and all pictures and the tokenizer of the folder."""
        tree = option_tree(folder)
        tree["data"]["text"] |= {"attributes": list(NAMES), "max_tokens": LONGEST_TEXT}
        tree["data"]["image"] |= {"size": 8, "on_bad_image": self.on_bad_image}
        return tree

    def _line(self, line: Record | bytes) -> bytes:
        return line if isinstance(line, bytes) else encoded(line) + self.line_end


def write_pictures(folder: Path) -> None:
    """Write the tokenizer and the pictures that generated items name."""
    write_tokenizer(folder / "tokenizer")
    images = folder / "images"
    images.mkdir()
    for number in range(NUM_PICTURES):
        noise_picture(number, 20, 18).save(images / f"{number}.png")
    whole = (images / "0.png").read_bytes()
    noise_picture(90, 20, 20).save(images / "prepared.jpg")
    noise_picture(91, 20, 20).save(images / "no_suffix", "PNG")
    noise_picture(92, 4, 4).save(images / "tiny.png")
    noise_picture(93, 1, 1).resize((20, 20)).save(images / "plain.png")
    (images / "empty.png").touch()
    (images / "cut.png").write_bytes(whole[: len(whole) // 2])
    (images / "cut").write_bytes(whole[:-30])
    (images / "page.jpg").write_bytes(b"<html>404 not found</html>")
    (images / "folder.png").mkdir()


@st.composite
def clean_data(draw: st.DrawFn) -> GeneratedData:
    """Return data without anything to find; a third split now and then."""
    # What is not a slip needs no shrinking, so that one number draws all of it, in a hundredth of the time.
    chance = random.Random(draw(st.integers(0, 2**32)))
    data = GeneratedData(line_end=chance.choice([b"\n", b"\n", b"\r\n"]))
    pictures = chance.sample(range(NUM_PICTURES), NUM_PICTURES)
    marks = chance.sample(range(100, 1000), NUM_PICTURES)
    for split in chance.choice([SPLITS[:2], SPLITS]):
        products = [[_item(chance, marks.pop(), pictures.pop()) for _ in range(2)] for _ in range(chance.randint(2, 4))]
        products[0][0] |= {"item_pvs": "#品牌#:#木岚#;#型号#:#x1#;", "sku_pvs": "#颜色分类#:#红#"}  # each name occurs
        ids = [[item["item_id"] for item in product] for product in products]
        pairs = [_pair(*product, "1") for product in ids]
        circle = [*zip(ids, ids[1:] + ids[:1], strict=True)][: len(ids) - (len(ids) == 2)]
        pairs += [_pair(chance.choice(one), chance.choice(other), "0") for one, other in circle]
        items = [item for product in products for item in product]
        chance.shuffle(items)
        chance.shuffle(pairs)
        if split == "test" and chance.random() < 0.5:
            for pair in pairs:
                del pair["item_label"]
        data.items[split], data.pairs[split] = [*items], [*pairs]
        for lines in (data.items[split], data.pairs[split]):
            if chance.random() < 0.2:
                lines.insert(chance.randrange(len(lines) + 1), data.line_end)
            if chance.random() < 0.2:
                lines.insert(0, b"\xef\xbb\xbf")
    return data


def _item(chance: random.Random, mark: int, picture: int) -> Record:
    brand, colour = (_word(chance) + chance.choice(["", "", "", "", "™", "Ⅳ", "㏎", "ß", " K"]) for _ in range(2))
    parts = [f"#品牌#:#{brand}#", f"#型号#:#x-{mark}#", f"#产地#:#{_word(chance)}#"]
    chance.shuffle(parts)
    record = {
        "item_id": chance.choice(["{}", "sku-{}", "花/{}", "{}'s", "a b {}"]).format(mark),
        "cate_name": chance.choice(["花瓶", "茶杯"]),
        "item_image_name": f"{picture}.png",
        "title": chance.choice(["{} {}", "{},{}", "{}-{}", "{} ，{}"]).format(_word(chance), mark),
        "item_pvs": ";".join(parts[: chance.randint(1, 3)]) + chance.choice([";", "", ";"]),
    }
    if chance.random() < 0.7:
        record["sku_pvs"] = chance.choice(["#颜色分类#:#{}#", "#颜色分类#:#{}#;", "#颜色分类#:#{}#;#尺寸#:##;"]).format(
            colour
        )
    if chance.random() < 0.2:
        record |= {
            "industry_name": "百货",
            "cate_id": "50001",
            "cate_id_path": "1,50001",
            "cate_name_path": "百货->花瓶",
        }
    keys = chance.sample([*record], len(record))
    return {key: record[key] for key in keys}


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(READABLE, k=chance.randint(2, 5)))


def _pair(source: str, target: str, label: str) -> Record:
    return {"src_item_id": source, "tgt_item_id": target, "item_label": label}


ODD_TEXTS = (
    "", " ", "\u3000", "\u200b", "#", "##", "a\x00b", "\ud83d", "花瓶\ude00", "\ufeff花", "null", "NaN",
    "花" * 90, "a" * 5000,
    "<b>花</b>", "1.23E+11", "花\u202e瓶", "红\t蓝\n绿", "\ufffd",
)  # fmt: skip
ODD_VALUES = (
    None, True, False, 0, 1, 1.0, -1, 0.5, 10**30, [], ["1"], {}, {"a": [{}]}, [[[1]]], float("nan"), float("inf"),
    *ODD_TEXTS,
)  # fmt: skip
ODD_LABELS = (*ODD_VALUES, "2", "01", " 1", "1 ", "１", "true", "yes", "-1", "0.0")
ITEM_KEYS = ("item_id", "cate_name", "item_image_name", "title", "item_pvs", "sku_pvs")
PAIR_KEYS = ("src_item_id", "tgt_item_id", "item_label")
WRONG_KEYS = (
    "Title", "titel", "name", "item_pv", "sku_pv", "pvs", "item_id ", "itemId", "image", "price", "label", "item_lable",
    "kind", "", "标题", "\ufefftitle", "cate_id",
)  # fmt: skip
BAD_LINES = (
    b"{", b"[]", b"null", b"1", b'"a"', b"{}", b"\x00", b"\x00\x00\x00", b"\xff\xfe{\x00}\x00", b"{} {}", b"a,b,c",
    b"\xef\xbb\xbf{}", b'{"item_id": "z", "item_id": "z"}', b'{"item_id": NaN}', b"[" * 2000, b"  ", b"\t", b"\x0b",
    b"\xc2\xa0",
    b'{"item_id": ' + b"9" * 5000 + b"}", b"// comment", b"{'item_id': 'a'}",
)  # fmt: skip
ATTRIBUTES = (
    "#尺寸#:#长：10cm；宽：5cm#;", "#品牌 #:# 木岚 #;", "＃品牌＃：＃木岚＃；", "#品牌#:#木岚#,#型号#:#x1#",
    "#品牌#:#木岚##型号#:#x1#",
    "#品牌#:#红;蓝#;", "#品牌#:#红；蓝#;", "品牌:木岚;型号:x1", "品牌=木岚", "品牌：木岚", "红色 棉", "#品牌#:木岚;",
    "#品牌#:#a:b#;",
    "#品牌#:#;#型号#:#x#", "品牌;型号", "#:#b#;", "#品牌#:##;", "#品牌#:# #;", "#品牌#；#型号#:#c#", "#品牌#:#C#7#;",
    "#品牌#;#木岚#",
    "##品牌##:##木岚##;", "# 品牌#:#木岚#;", "#\u3000品牌#:#木岚#", "#品牌\u200b#:#木岚#;", "#材质 #:#棉#;",
    "#a:品牌#:#木岚#;", "#品牌:a#:#木岚#;",
    "#品牌#: #木岚#;", "#品牌# :#木岚#;", "#品牌#;:#木岚#;", "#BRAND#:#x#;", ";;;", "#", ":", "#品牌#:#木岚#;null",
    "{\"品牌\": \"木岚\"}",
    "#品牌#:#木岚™ Ⅳ㎏①#;", "品牌:ﬁß㏎™;b", "#品牌#:#İ#;", "红#产地#:#木岚#;", "#产地#:#C#7#;","#品牌#:#木岚\ud83d#;",
    "#颜色分类#:#红#;;#品牌#:#木#", "#品牌#:#a#;\n#型号#:#b#;", "#产地#:#长：1；品牌：2#;",
)  # fmt: skip
PIECES = ("#", ":", ";", "＃", "：", "；", " ", ",", "品牌", "颜色分类", "产地", "木岚", "红", "#:#", "#;#", "=")
attribute_texts = st.sampled_from(ATTRIBUTES) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ITEM_KEYS, "a"]), inner, max_size=3),
    max_leaves=6,
)
odd_values = st.sampled_from(ODD_VALUES) | any_json
id_changes: dict[str, Callable[[str], object]] = {
    "a blank behind": lambda name: name + " ", "a tab before": lambda name: "\t" + name,
    "inner blanks": lambda name: "\u3000".join(name),
    "other width": lambda name: "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in name),
    "no width": lambda name: name + "\u200b", "other case": str.swapcase,
    "a number": lambda name: int(name) if name.isdigit() else 7,
    "empty": lambda _: "", "absent": lambda _: None, "unknown": lambda name: name + "x",
    "half": lambda name: name + "\ud83d",
}  # fmt: skip


def _line(draw: st.DrawFn, data: GeneratedData, kind: str) -> tuple[list[Record | bytes], Record]:
    """Return the lines of a drawn file and a copy of one of its records, put in its place."""
    files = data.items if kind == "item" else data.pairs
    lines = files[draw(st.sampled_from([*files]))]
    places = [place for place, line in enumerate(lines) if isinstance(line, dict)]
    if not places:
        return lines, {}
    place = draw(st.sampled_from(places))
    record = lines[place] = dict(lines[place])  # type: ignore[arg-type]
    return lines, record


def _place(lines: list[Record | bytes], record: Record) -> int:
    """Return where the very record is; a new last line where it is nowhere."""
    place = next((place for place, line in enumerate(lines) if line is record), len(lines))
    lines += [b""] * (place == len(lines))
    return place


def _put(draw: st.DrawFn, lines: list[Record | bytes], line: Record | bytes) -> None:
    lines.insert(draw(st.integers(0, len(lines))), line)


def _any_kind(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(["item", "pair"]))


def odd_value(draw: st.DrawFn, data: GeneratedData) -> None:
    _, record = _line(draw, data, "item")
    record[draw(st.sampled_from(ITEM_KEYS))] = draw(odd_values)


def odd_title(draw: st.DrawFn, data: GeneratedData) -> None:
    _line(draw, data, "item")[1]["title"] = draw(st.sampled_from(ODD_TEXTS) | st.text(max_size=80))


def odd_attributes(draw: st.DrawFn, data: GeneratedData) -> None:
    _line(draw, data, "item")[1][draw(st.sampled_from(["item_pvs", "sku_pvs"]))] = draw(attribute_texts)


def odd_label(draw: st.DrawFn, data: GeneratedData) -> None:
    _line(draw, data, "pair")[1]["item_label"] = draw(st.sampled_from(ODD_LABELS) | any_json)


def absent_key(draw: st.DrawFn, data: GeneratedData) -> None:
    kind = _any_kind(draw)
    _line(draw, data, kind)[1].pop(draw(st.sampled_from(ITEM_KEYS if kind == "item" else PAIR_KEYS)), None)


def wrong_key(draw: st.DrawFn, data: GeneratedData) -> None:
    _, record = _line(draw, data, _any_kind(draw))
    key, wrong = draw(st.sampled_from([*record, "title"])), draw(st.sampled_from(WRONG_KEYS))
    record[wrong] = record.pop(key, None) if draw(st.booleans()) else draw(odd_values)


def repeated_key(draw: st.DrawFn, data: GeneratedData) -> None:
    lines, record = _line(draw, data, _any_kind(draw))
    key = draw(st.sampled_from([*record, "title"]))
    lines[_place(lines, record)] = encoded(record)[:-1] + b", " + encoded({key: record.get(key)})[1:] + data.line_end


def bad_line(draw: st.DrawFn, data: GeneratedData) -> None:
    lines, record = _line(draw, data, _any_kind(draw))
    cut = encoded(record)[: draw(st.integers(1, 40))]
    _put(
        draw,
        lines,
        draw(st.sampled_from([*BAD_LINES, cut]) | st.binary(max_size=20) | any_json.map(encoded)) + data.line_end,
    )


def other_bytes(draw: st.DrawFn, data: GeneratedData) -> None:
    lines, record = _line(draw, data, _any_kind(draw))
    change = draw(st.sampled_from([
        lambda text: text.encode("gb18030"), lambda text: text.encode("utf-16"), lambda text: text.encode()[:-3],
        lambda text: text.encode().replace(b'"', b"'"), lambda text: text.encode() + b",",
        lambda text: text.encode().replace(b",", b";"),
        lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.encode().replace(b", ", b",\n"),
        lambda text: text.encode() + b"\x00",
        lambda text: text.encode().replace(b": ", b"\x00: ", 1), lambda text: text.encode() + b"\r" + text.encode(),
    ]))  # fmt: skip
    lines[_place(lines, record)] = change(encoded(record).decode()) + data.line_end


def missing_line_end(draw: st.DrawFn, data: GeneratedData) -> None:
    lines, record = _line(draw, data, _any_kind(draw))
    lines[_place(lines, record)] = encoded(record) + draw(st.sampled_from([b"", b"\r", b"\x0c", b"\xe2\x80\xa8"]))


def changed_id(draw: st.DrawFn, data: GeneratedData) -> None:
    kind = _any_kind(draw)
    _, record = _line(draw, data, kind)
    key = "item_id" if kind == "item" else draw(st.sampled_from(PAIR_KEYS[:2]))
    if isinstance(name := record.get(key), str):
        record[key] = id_changes[draw(st.sampled_from([*id_changes]))](name)


def twin_item(draw: st.DrawFn, data: GeneratedData) -> None:
    """The same line again under the same id or a changed one, in the same split or another, named by a pair or not."""
    _, record = _line(draw, data, "item")
    split = draw(st.sampled_from([*data.items]))
    twin = dict(record)
    if draw(st.booleans()) and isinstance(name := record.get("item_id"), str):
        twin["item_id"] = id_changes[draw(st.sampled_from([*id_changes]))](name)
    _put(draw, data.items[split], twin)
    others = [line for line in data.items[split] if isinstance(line, dict)]
    if draw(st.booleans()):
        other = draw(st.sampled_from(others))
        _put(draw, data.pairs[split], _pair(twin.get("item_id"), other.get("item_id"), draw(st.sampled_from("01"))))  # type: ignore[arg-type]


def pair_again(draw: st.DrawFn, data: GeneratedData) -> None:
    """A pair of a drawn line again: turned round, with another label, with itself, or in another split."""
    _, record = _line(draw, data, "pair")
    lines = data.pairs[draw(st.sampled_from([*data.pairs]))]
    source, target, label = (record.get(key) for key in PAIR_KEYS)
    other = draw(st.sampled_from([(source, target), (target, source), (source, source)]))
    _put(draw, lines, _pair(*other, draw(st.sampled_from([label, "0", "1"]))))  # type: ignore[arg-type]


def one_label(draw: st.DrawFn, data: GeneratedData) -> None:
    label = draw(st.sampled_from(["0", "1", None, "2"]))
    for line in data.pairs[draw(st.sampled_from([*data.pairs]))]:
        if isinstance(line, dict):
            line["item_label"] = label


def picture(draw: st.DrawFn, data: GeneratedData) -> None:
    names = (
        *BROKEN_PICTURES,
        *OTHER_PICTURES,
        "../0.png",
        "a/0.png",
        "C:\\0.png",
        ".",
        "..",
        "花" * 100,
        "0.PNG",
        "0",
        "0.png ",
        "0.jpeg",
    )
    _line(draw, data, "item")[1]["item_image_name"] = draw(st.sampled_from(names))
    data.on_bad_image = draw(st.sampled_from(["error", "error", "blank"]))


def whole_file(draw: st.DrawFn, data: GeneratedData) -> None:
    split, kind = draw(st.sampled_from([*data.items])), draw(st.sampled_from(["info", "pair"]))
    data.whole_files[f"item_{split}_{kind}.jsonl"] = draw(
        st.sampled_from(
            [None, b" ", b"\n\n", b"\xef\xbb\xbf", b"[]", b"item_id,title\na,b\n", b"PK\x03\x04", b"\x00" * 100]
        )
    )


def no_lines(draw: st.DrawFn, data: GeneratedData) -> None:
    files = draw(st.sampled_from([data.items, data.pairs]))
    files[draw(st.sampled_from([*files]))].clear()


SLIPS = (
    odd_value, odd_title, odd_attributes, odd_attributes, odd_label, absent_key, wrong_key, repeated_key, bad_line,
    other_bytes,
    missing_line_end, changed_id, twin_item, pair_again, one_label, picture, whole_file, no_lines,
)  # fmt: skip


@st.composite
def slipped_data(draw: st.DrawFn) -> GeneratedData:
    """Return data with one to three slips; some of them change nothing."""
    data = draw(clean_data())
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        slip = draw(st.sampled_from(SLIPS))
        data.slips.append(slip.__name__)
        slip(draw, data)
    return data
