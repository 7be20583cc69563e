"""A catalogue as files, complete or not at all."""

import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from engine.disk import whole_folder, write_lines
from options.errors import UserError
from options.table import aligned_rows
from tools.preparation.demo.catalogue import SPLITS, DemoSettings, ListedItem, make_catalogue
from tools.preparation.demo.pairs import LabelledPair, make_pairs

TOKENIZER_CONFIG = Path(__file__).with_name("tokenizer_config.json")
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LEAST_COUNT_OF_WORDS = 20
"""A run of Latin letters and digits becomes a token of its own from so many occurrences on."""


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
    with whole_folder(out) as temporary:
        images = temporary / "item_images"
        images.mkdir()
        kinds = write_files(make_catalogue(settings, images), temporary, settings)
        if out.exists():
            shutil.rmtree(out)
    return kinds


def kinds_table(kinds: Mapping[str, Mapping[str, int]]) -> str:
    """Return a table of the pairs of each kind in each split."""
    names = sorted({kind for counts in kinds.values() for kind in counts})
    rows = [(name, *(f"{kinds[split][name]}" for split in SPLITS)) for name in names]
    return aligned_rows([("pairs", *SPLITS), *rows])


def write_files(
    splits: Mapping[str, list[ListedItem]], folder: Path, settings: DemoSettings
) -> dict[str, Counter[str]]:
    """Write items, pairs, their kinds, the products and the tokenizer."""
    kinds = {}
    for number, split in enumerate(SPLITS):
        rng = np.random.default_rng((settings.seed, 4, number))
        pairs = make_pairs(splits[split], rng)
        labels = [item_ids(pair) | {"item_label": str(int(pair.same))} for pair in pairs]
        reasons = [item_ids(pair) | {"kind": pair.kind, "decided_by": pair.decided_by} for pair in pairs]
        write_lines(folder / f"item_{split}_info.jsonl", [item.info for item in splits[split]])
        write_lines(folder / f"item_{split}_pair.jsonl", labels)
        write_lines(folder / f"item_{split}_pair_kind.jsonl", reasons)
        kinds[split] = Counter(pair.kind for pair in pairs)
    items = [item for split in SPLITS for item in splits[split]]
    truth = [{"item_id": item.item_id, "family": item.family, "product": asdict(item.product)} for item in items]
    write_lines(folder / "products.jsonl", truth)
    texts = (item.info.get(key, "") for item in splits["train"] for key in ("title", "item_pvs", "sku_pvs"))
    write_tokenizer(make_vocabulary(texts), folder / "tokenizer")
    return kinds


def item_ids(pair: LabelledPair) -> dict[str, str]:
    """Return the items of a pair as the pair file has them."""
    return {"src_item_id": pair.source.item_id, "tgt_item_id": pair.target.item_id}


def make_vocabulary(texts: Iterable[str]) -> list[str]:
    """Return the tokens, special ones first.

    They are all single characters, the letters and digits also as continuations (##a), and the frequent runs
    of letters and digits, such as brands, sizes and the halves of model numbers. A rare or unseen run is spelt
    character by character, so nothing is unknown.
    """
    characters: set[str] = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    words: Counter[str] = Counter()
    for text in texts:
        normal = unicodedata.normalize("NFKC", text.lower())
        characters.update(c for c in normal if not c.isspace())
        words.update(re.findall(r"(?<![a-z0-9])[a-z0-9]{2,}(?![a-z0-9])", normal))
    continuations = sorted(f"##{c}" for c in characters if c.isascii() and c.isalnum())
    frequent = sorted(word for word, count in words.items() if count >= LEAST_COUNT_OF_WORDS)
    return [*SPECIAL_TOKENS, *sorted(characters), *continuations, *frequent]


def write_tokenizer(tokens: list[str], folder: Path) -> None:
    """Write a folder that transformers' AutoTokenizer opens as a BERT tokenizer."""
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    shutil.copyfile(TOKENIZER_CONFIG, folder / TOKENIZER_CONFIG.name)
