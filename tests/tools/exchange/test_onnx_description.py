"""The exported folder is enough: a program that knows nothing of this project gets the same margins from it."""

import json
import re
import unicodedata
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer

from data.loading import load_split
from engine.encode import encode_items, encoding_plan
from engine.pair_scores import score_pairs
from tests.engine.conftest import ALONE
from tests.exported_encoder import ExportedRun

pytestmark = pytest.mark.xdist_group("exported_run")  # which takes long to make


def clean(text: str) -> str:
    return unicodedata.normalize("NFKC", text.replace("#", "").lower())


def attributes_of(item: dict[str, str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for part in (clean(item.get("item_pvs", "")) + ";" + clean(item.get("sku_pvs", ""))).split(";"):
        name, _, value = part.partition(":")
        if value and value not in values.get(name, []):
            values.setdefault(name, []).append(value)
    return values


def form(text: str) -> str:
    changed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.replace("#", "")).casefold())
    kept = [c for c in changed if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf")]
    changed = "".join("-" if unicodedata.category(c) == "Pd" or c == "\u2212" else c for c in kept)
    return changed if changed == text else form(changed)


def plain_numbers(text: str) -> str:
    """Without the patterns of what no item here has: numbers are written as they are."""
    return " ".join(map(form, text.split()))


def values_of(texts: list[str]) -> list[str]:
    parts = {form(part) for text in texts for part in re.split("[,、;|/]", plain_numbers(text))}
    return sorted(parts - {""})


def stated(item: dict[str, str], described: dict[str, Any]) -> list[int]:
    digests = []
    for name in described["names"]:
        own = [value for key, values in attributes_of(item).items() if form(key) == form(name) for value in values]
        values = values_of(own)
        patterns = described["patterns"].get(name, [])
        if not values and patterns:
            found = {*re.findall("|".join(patterns), plain_numbers(item["title"]))}
            values = values_of([*found]) if len(found) == 1 else []
        digests.append(zlib.crc32(",".join(values).encode()) if values else -1)
    return digests


def text_of(item: dict[str, str], names: list[str]) -> str:
    values = attributes_of(item)
    parts = [clean(item["title"]), *(",".join(values.get(clean(name), [])) for name in names)]
    return ";".join(part for part in parts if part)


def embeddings(folder: Path, items: list[dict[str, str]], images: Path) -> NDArray[np.float32]:
    described = json.loads((folder / "preprocessing.json").read_text(encoding="utf-8"))
    text, image = described["text"], described["image"]
    tokenizer = Tokenizer.from_file(str(folder / text["tokenizer"]))
    tokenizer.enable_truncation(text["max_tokens"])
    tokens = [tokenizer.encode(text_of(item, text["attributes"])).ids for item in items]
    longest = max(map(len, tokens))
    token_ids = np.array([ids + [text["padding_id"]] * (longest - len(ids)) for ids in tokens], np.int64)
    attention_mask = np.array([[place < len(ids) for place in range(longest)] for ids in tokens])
    size = image["size"]
    pictures = []
    for item in items:
        picture = Image.open(images / item["item_image_name"]).convert("RGB")
        if picture.size != (size, size):
            picture = picture.resize((size, size), Image.Resampling.BICUBIC)
        pixels = np.asarray(picture, np.float32) / 255
        pictures.append(((pixels - image["mean"]) / image["std"]).transpose(2, 0, 1))
    session = onnxruntime.InferenceSession(folder / described["model"], providers=["CPUExecutionProvider"])
    feed = {
        "images": np.array(pictures, np.float32),
        "token_ids": token_ids,
        "attention_mask": attention_mask,
        "attributes": np.array([stated(item, described["attributes"]) for item in items]),
    }
    (packed,) = session.run(list(described["outputs"]), feed)
    return packed


def test_a_program_without_this_project_gets_the_same_margins(exported_run: ExportedRun, tiny_dataset: Path) -> None:
    lines = (tiny_dataset / "item_test_info.jsonl").read_text(encoding="utf-8").splitlines()
    items = [json.loads(line) for line in lines]
    packed = embeddings(exported_run.folder, items, tiny_dataset / "images")
    described = json.loads((exported_run.folder / "preprocessing.json").read_text(encoding="utf-8"))
    width = described["threshold_width"]
    places = {item["item_id"]: place for place, item in enumerate(items)}

    options = exported_run.options
    assert options.data.test is not None
    split = load_split(options.data.test, options.data, options.reads, labelled=True)
    encoded = encode_items(
        exported_run.source.verifier.encoder,
        split.items,
        encoding_plan(options, "float32", ALONE.device),
        ALONE,
        "encode",
    )
    assert encoded is not None
    expected = score_pairs(encoded, split.pairs, width).margin
    ids = [item.item_id for item in split.catalog]
    for source, target, margin in zip(split.pairs.source, split.pairs.target, expected, strict=True):
        one, other = packed[places[ids[source]]].copy(), packed[places[ids[target]]]
        one[:width] *= -1
        assert float(one @ other) == pytest.approx(margin, abs=1e-4)


def test_the_description_holds_the_runs_own_settings(exported_run: ExportedRun) -> None:
    described = json.loads((exported_run.folder / "preprocessing.json").read_text(encoding="utf-8"))
    assert described["run"] == "tiny"
    assert described["arithmetic"] == "float32"
    assert described["decision"]["threshold"] == exported_run.source.verifier.threshold
    assert described["text"]["attributes"] == list(exported_run.options.data.text.attributes)
    assert described["inputs"]["images"]["shape"] == ["items", 3, 32, 32]
    assert described["outputs"]["item_embedding"]["shape"] == ["items", 2 * 16 + 2 + 2 * 8]
