"""A small catalogue in the files of the task, and an option file that a small model learns from it in seconds."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

NUM_ITEMS = 40
NUM_PAIRS = 60
IMAGE_SIZE = 32
MAX_TOKENS = 24
SPLITS = ("train", "val", "test")
KINDS = (("jpg", "JPEG", "RGB"), ("png", "PNG", "RGB"), ("gif", "GIF", "P"), ("bmp", "BMP", "RGB"),
         ("SS2", "JPEG", "RGB"), ("jpg", "JPEG", "L"), ("jpeg", "JPEG", "CMYK"), ("png", "PNG", "P"))  # fmt: skip
"""Suffix, format and mode of the images, in turn."""
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CHARACTERS = "花瓶茶杯红蓝绿白大中小号品牌颜色分类型木岚;:,-0123456789abcdefghijklmnopqrstuvwxyz"

IMAGE_ENCODER: dict[str, Any] = {
    "name": "timm",
    "architecture": "swin_tiny_patch4_window7_224",
    "arguments": {
        "img_size": IMAGE_SIZE, "patch_size": 4, "window_size": 4, "embed_dim": 16, "depths": [1, 1],
        "num_heads": [2, 4], "drop_path_rate": 0.0,
    },
    "weights": "random",
}  # fmt: skip
TEXT_ENCODER: dict[str, Any] = {
    "name": "transformers",
    "architecture": {
        "model_type": "bert", "vocab_size": 128, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "max_position_embeddings": 32, "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    },
    "weights": "random",
}  # fmt: skip


def write_tiny_dataset(folder: Path) -> Path:
    """Write train, val and test of 40 items and 60 labelled pairs each, the images and the tokenizer."""
    images = folder / "images"
    images.mkdir(parents=True)
    write_tokenizer(folder / "tokenizer")
    for number, split in enumerate(SPLITS):
        rng = np.random.default_rng(number)
        items = [_item(split, place, images, rng) for place in range(NUM_ITEMS)]
        write_lines(folder / f"item_{split}_info.jsonl", items)
        write_lines(folder / f"item_{split}_pair.jsonl", _pairs(split, rng))
    return folder


def data_options(folder: Path) -> dict[str, Any]:
    """Return the data section that reads a tiny dataset."""
    splits = {
        split: {
            "items": str(folder / f"item_{split}_info.jsonl"),
            "pairs": str(folder / f"item_{split}_pair.jsonl"),
            "images": str(folder / "images"),
        }
        for split in SPLITS
    }
    text = {"tokenizer": str(folder / "tokenizer"), "max_tokens": MAX_TOKENS}
    return {**splits, "text": text, "image": {"size": IMAGE_SIZE}, "workers": 0}


def option_tree(folder: Path, name: str = "tiny") -> dict[str, Any]:
    """Return a whole option tree, as YAML holds it, for a small model on a tiny dataset."""
    return {
        "name": name,
        "data": data_options(folder),
        "model": {"image_encoder": IMAGE_ENCODER, "text_encoder": TEXT_ENCODER, "embedding_width": 16},
        "loss": {"name": "self_adaptive_threshold"},
        "train": {
            "steps": 6,
            "batch_size": 4,
            "optimizer": {"name": "adam", "lr": 1e-3},
            "schedule": {"name": "cosine_restarts", "periods": [6]},
            "log_every": 2,
            "evaluate_every": 3,
            "save_every": 3,
        },
    }


AGREEMENT = "model.agreement={attributes: [品牌, 颜色分类], in_title: {颜色分类: [花, 红]}, codes: 8}"
"""Override by which the items' stated brands and colours are compared; most titles have 花 alone."""


def write_lines(file: Path, lines: Iterable[Mapping[str, object]]) -> Path:
    """Write a JSON object a line."""
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return file


def write_tokenizer(folder: Path) -> Path:
    """Write a WordPiece tokenizer that spells everything character by character."""
    folder.mkdir(parents=True)
    latin = [f"##{c}" for c in CHARACTERS if c.isascii() and c.isalnum()]
    tokens = [*SPECIAL_TOKENS, *CHARACTERS, *latin]
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in dict.fromkeys(tokens)), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": true}\n')
    return folder


def _item(split: str, number: int, images: Path, rng: np.random.Generator) -> dict[str, str]:
    """Write an item's image and return its line; two neighbouring items are one product."""
    product = number // 2
    suffix, image_format, mode = KINDS[number % len(KINDS)]
    name = f"{split}{number}.{suffix}"
    colour = np.array([product * 12 % 256, product * 67 % 256, product * 31 % 256])
    noise = rng.integers(-10, 11, (IMAGE_SIZE + product, IMAGE_SIZE, 3))
    picture = Image.fromarray(np.clip(colour + noise, 0, 255).astype(np.uint8))
    (picture.quantize(64) if mode == "P" else picture.convert(mode)).save(images / name, image_format)
    line = {"item_id": f"{split}-{number}", "cate_name": "花瓶", "item_image_name": name, "title": f"花瓶 {product}号"}
    if number % 3:
        line["item_pvs"] = f"#品牌#:#木岚#;#型号#:#XK-{product}#;"
    if number % 4:
        line["sku_pvs"] = "#颜色分类#:#红#;#颜色分类#:#蓝#;"
    return line


def _pairs(split: str, rng: np.random.Generator) -> list[dict[str, str]]:
    """Every product's pair, and as many again twice over of different products."""
    same = [(number, number + 1) for number in range(0, NUM_ITEMS, 2)]
    firsts = rng.integers(0, NUM_ITEMS, NUM_PAIRS - len(same))
    others = [(int(first), int(first + rng.integers(2, NUM_ITEMS - 2)) % NUM_ITEMS) for first in firsts]
    return [
        {
            "src_item_id": f"{split}-{source}",
            "tgt_item_id": f"{split}-{target}",
            "item_label": str(int(source // 2 == target // 2)),
        }
        for source, target in same + others
    ]
