"""A catalogue as files, complete or not at all."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from engine.disk import writing
from options.errors import UserError
from tools.preparation.demo.catalogue import SPLITS, make_catalogue
from tools.preparation.demo.listed_item import ListedItem
from tools.preparation.demo.pairs import LabelledPair, make_pairs
from tools.preparation.demo.settings import DemoSettings
from tools.preparation.demo.vocabulary import make_vocabulary, write_tokenizer


def is_demo_data(folder: Path) -> bool:
    """Return whether a folder holds a complete catalogue of this kind."""
    return (folder / "products.jsonl").is_file() and (folder / "tokenizer" / "vocab.txt").is_file()


def write_demo_data(settings: DemoSettings) -> dict[str, Counter[str]]:
    """Make a catalogue and write it; return how many pairs of each kind each split has.

    All is written into a temporary folder beside, which takes the final name when it is complete; an older
    catalogue of that name is replaced then.

    Raises:
        UserError: the name belongs to something else, or cannot be written.
    """
    out = settings.out.resolve()
    if out.exists() and not is_demo_data(out):
        raise UserError(f"{settings.out} exists and is no demo catalogue; give another folder to --out")
    temporary = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with writing(out):
            images = temporary / "item_images"
            images.mkdir(parents=True)
            kinds = write_files(make_catalogue(settings, images), temporary, settings)
            if out.exists():
                shutil.rmtree(out)
            temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return kinds


def write_files(
    splits: Mapping[str, list[ListedItem]], folder: Path, settings: DemoSettings
) -> dict[str, Counter[str]]:
    """Write items, pairs, their kinds, the products and the tokenizer."""
    kinds = {}
    for number, split in enumerate(SPLITS):
        rng = np.random.default_rng((settings.seed, 4, number))
        pairs = make_pairs(splits[split], settings.positive_fraction, rng)
        write_lines(folder / f"item_{split}_info.jsonl", (item.info for item in splits[split]))
        write_lines(folder / f"item_{split}_pair.jsonl", map(pair_line, pairs))
        write_lines(folder / f"item_{split}_pair_kind.jsonl", map(kind_line, pairs))
        kinds[split] = Counter(pair.kind for pair in pairs)
    write_lines(folder / "products.jsonl", (product_line(item) for split in SPLITS for item in splits[split]))
    write_tokenizer(make_vocabulary(all_text(item) for item in splits["train"]), folder / "tokenizer")
    return kinds


def pair_line(pair: LabelledPair) -> dict[str, str]:
    """Return a pair as the pair file has it."""
    return {
        "src_item_id": pair.source.item_id,
        "tgt_item_id": pair.target.item_id,
        "item_label": str(int(pair.same)),
    }


def kind_line(pair: LabelledPair) -> dict[str, str]:
    """Return how a pair was made and what decides it."""
    return {
        "src_item_id": pair.source.item_id,
        "tgt_item_id": pair.target.item_id,
        "kind": pair.kind,
        "decided_by": pair.decided_by,
    }


def product_line(item: ListedItem) -> dict[str, object]:
    """Return the truth about an item; the family is shared by hard negatives."""
    return {"item_id": item.item_id, "family": item.family, "product": asdict(item.product)}


def all_text(item: ListedItem) -> str:
    """Return all text of an item, its attribute names too."""
    return " ".join(item.info.get(key, "") for key in ("title", "item_pvs", "sku_pvs"))


def write_lines(file: Path, lines: Iterable[Mapping[str, object]]) -> None:
    """Write a JSON object a line."""
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
