"""A small WordPiece vocabulary made from texts, as a BERT tokenizer reads it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LEAST_COUNT_OF_WORDS = 20
"""A run of Latin letters and digits becomes a token of its own from so many occurrences on."""


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
    config = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "tokenize_chinese_chars": True,
        "strip_accents": None,
        "model_max_length": 512,
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
