"""Write the small published network of this folder, with its inputs, outputs and a training trace.

The published checkpoints were trained with transformers 4.18 and torch 1.8; this script builds a small
network of the same kind out of those very libraries, so that the project's own model can be held against
their numbers.
It is run by hand, with Python 3.8, and only when an asset has to change:

    python3.8 -m venv py38
    py38/bin/pip install torch==1.8.1 torchvision==0.9.1 transformers==4.18.0 numpy==1.24.4 pillow==10.4.0
    py38/bin/python tests/assets/published/make_assets.py

README.md beside this file says what each file holds. Two runs on one machine write the same numbers.
"""

# ruff: noqa: B905 (zip has no `strict` in Python 3.8)

import json
import math
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import torch
from items import ATTRIBUTES, ITEMS
from PIL import Image, ImageDraw
from torch import nn
from torchvision.io import read_image
from transformers import (
    BertConfig,
    BertForPreTraining,
    BertModel,
    BertTokenizer,
    SwinConfig,
    SwinForImageClassification,
    SwinModel,
)

FOLDER = Path(__file__).resolve().parent
MAX_TOKENS = 140
EMBEDDING_WIDTH = 16
IMAGE_SIZE = 64
NUM_NETWORK_ITEMS = 8
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
PAIRS = ((0, 1, 1), (2, 3, 0), (4, 5, 1), (6, 7, 0), (1, 4, 0), (7, 0, 1))
"""Source item, target item, label; items 0, 1, 4 and 7 occur twice."""

TRAINING = {
    "steps": 8,
    "lr": 5e-4,
    "weight_decay": 1e-6,
    "betas": [0.9, 0.999],
    "eps": 1e-8,
    "clip_norm": 0.5,
    "periods": [4, 4],
    "restart_weights": [1.0, 0.5],
    "min_lr": 5e-5,
}

FINAL_TENSORS = [
    "txt_encoder1.embeddings.word_embeddings.weight",
    "txt_encoder2.encoder.layer.1.attention.self.query.weight",
    "img_encoder1.embeddings.patch_embeddings.projection.weight",
    "img_encoder1.encoder.layers.0.blocks.1.attention.self.relative_position_bias_table",
    "img_encoder2.encoder.layers.1.blocks.2.attention.self.value.weight",
    "img_encoder2.encoder.layers.1.downsample.reduction.weight",
    "img_encoder2.layernorm.weight",
    "fc1.weight",
    "fc2.weight",
    "fc2.bias",
]

# Characters that the vocabulary lacks, so that unknown tokens occur.
UNKNOWN = set("鑫淼😀囍")


def item_text(record):
    """Join the cleaned title and the cleaned values of the ten attributes."""
    title, item_pvs, sku_pvs = (
        unicodedata.normalize("NFKC", record.get(field, "").replace("#", "").lower())
        for field in ("title", "item_pvs", "sku_pvs")
    )
    values = {}
    for part in (item_pvs + ";" + sku_pvs).split(";"):
        key, *rest = part.split(":")
        value = ":".join(rest)
        if value != "" and value not in values.setdefault(key, []):
            values[key].append(value)
    parts = [title] + [",".join(values.get(key, [])) for key in ATTRIBUTES]
    return ";".join(part for part in parts if part != "")


def vocabulary(texts):
    """Return the tokens of a small WordPiece vocabulary for the texts, in a fixed order."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = ["apple", "phone", "##pro", "xk", "##l", "100", "##ml", "500", "##g", "usb", "##cm", "20"]
    characters = set("".join(texts).lower()) - set(letters) - UNKNOWN
    shown = [c for c in sorted(characters) if not c.isspace() and unicodedata.category(c)[0] != "C"]
    special = ["[PAD]", "[unused1]", "[unused2]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = special + list(letters) + ["##" + c for c in letters] + pieces + shown
    return list(dict.fromkeys(tokens))


class PublishedNetwork(nn.Module):
    """Two streams: BERT's last hidden state at [CLS] and Swin's pooled output through a linear layer."""

    def __init__(self, bert_config, swin_config):
        super().__init__()
        width = bert_config.hidden_size + swin_config.hidden_size
        for stream in "12":
            setattr(self, "txt_encoder" + stream, BertModel(bert_config, add_pooling_layer=False))
            setattr(self, "img_encoder" + stream, SwinModel(swin_config))
            setattr(self, "fc" + stream, nn.Linear(width, EMBEDDING_WIDTH))

    def stream(self, number, token_ids, attention_mask, images):
        """Return the embeddings of one stream."""
        bert, swin, linear = (getattr(self, f"{name}{number}") for name in ("txt_encoder", "img_encoder", "fc"))
        text = bert(input_ids=token_ids, attention_mask=attention_mask).last_hidden_state[:, 0]
        image = swin(pixel_values=images).pooler_output
        return linear(torch.cat((text, image), 1))

    def forward(self, *inputs):
        """Return p, the threshold embeddings, and q, the match embeddings."""
        return self.stream(1, *inputs), self.stream(2, *inputs)


def randomise(module, seed):
    """Give every parameter values that show when they are dropped, swapped or transposed."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(module.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if name.startswith("fc"):  # dot products of a few units, so that the loss neither saturates nor jumps
            noise = 0.3 * noise
        if "norm" in name.lower() and name.endswith("weight"):
            values = 1 + 0.3 * noise
        elif "embeddings.weight" in name or "relative_position_bias_table" in name:
            values = noise
        elif parameter.dim() > 1:
            values = 1.2 * noise / math.sqrt(parameter[0].numel())
        else:
            values = 0.3 * noise
        parameter.data.copy_(values)
    return module


def write_image(file, number):
    """Write a small colourful JPEG."""
    random = np.random.RandomState(number)
    y, x = np.mgrid[0:IMAGE_SIZE, 0:IMAGE_SIZE] / IMAGE_SIZE
    colours = random.uniform(0, 255, (4, 3))
    picture = sum(
        weight[..., None] * colour
        for weight, colour in zip((x * y, x * (1 - y), (1 - x) * y, (1 - x) * (1 - y)), colours)
    )
    image = Image.fromarray((picture + random.normal(0, 8, picture.shape)).clip(0, 255).astype(np.uint8))
    left, top = random.randint(2, 30, 2).tolist()
    colour = tuple(random.randint(0, 256, 3).tolist())
    draw = ImageDraw.Draw(image)
    (draw.ellipse if number % 2 else draw.rectangle)((left, top, left + 28, top + 20), fill=colour)
    image.save(file, quality=90)


def normalise(images):
    """Map uint8 (N, 3, H, W) to the floats that the network reads."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (images.float() / 255.0 - mean) / std


def pair_logits(network, inputs, source, target):
    """Return (B, 2): p1.p2 and q1.q2."""
    p, q = network(*inputs)
    return torch.stack([(half[source] * half[target]).sum(1) for half in (p, q)], 1)


def learning_rate(step):
    """Return the rate of a step, counted from 0: cosine annealing with restarts, as it was published.

    The last step of a period, where the cosine is at its minimum, belongs to that period.
    """
    period = next(n for n in range(len(TRAINING["periods"])) if step <= sum(TRAINING["periods"][: n + 1]))
    position = (step - sum(TRAINING["periods"][:period])) / TRAINING["periods"][period]
    swing = 0.5 * (TRAINING["lr"] - TRAINING["min_lr"]) * (1 + math.cos(math.pi * position))
    return TRAINING["min_lr"] + TRAINING["restart_weights"][period] * swing


def train(network, inputs, source, target, labels):
    """Train on the whole batch in every step and return the trace."""
    optimizer = torch.optim.Adam(
        network.parameters(),
        lr=TRAINING["lr"],
        betas=tuple(TRAINING["betas"]),
        eps=TRAINING["eps"],
        weight_decay=TRAINING["weight_decay"],
    )
    network.train()
    trace = {"losses": [], "gradient_norms": [], "learning_rates": []}
    for step in range(TRAINING["steps"]):
        optimizer.param_groups[0]["lr"] = learning_rate(step)
        loss = nn.functional.cross_entropy(pair_logits(network, inputs, source, target), labels)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), TRAINING["clip_norm"])
        optimizer.step()
        trace["losses"].append(loss.item())
        trace["gradient_norms"].append(norm.item())
        trace["learning_rates"].append(learning_rate(step))
    network.eval()
    return trace


def write_json(file, value):
    """Write readable JSON."""
    file.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_lines(file, records):
    """Write JSON lines."""
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    file.write_text(text, encoding="utf-8")


def write_text_assets():
    """Write items, pairs, the BERT folder's tokenizer and the expected texts; return the tokenizer."""
    texts = [item_text(record) for record in ITEMS]
    bert = FOLDER / "bert"
    bert.mkdir()
    (bert / "vocab.txt").write_text("\n".join(vocabulary(texts)) + "\n", encoding="utf-8")
    (bert / "tokenizer_config.json").write_text('{"init_inputs": []}\n', encoding="utf-8")
    (bert / "added_tokens.json").write_text("{}\n", encoding="utf-8")
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")}
    write_json(bert / "special_tokens_map.json", special)
    tokenizer = BertTokenizer.from_pretrained(str(bert))
    tokens = [tokenizer(text, max_length=MAX_TOKENS, truncation=True)["input_ids"] for text in texts]
    write_lines(FOLDER / "items.jsonl", ITEMS)
    write_lines(
        FOLDER / "texts.jsonl",
        [
            {"item_id": record["item_id"], "text": text, "token_ids": ids}
            for record, text, ids in zip(ITEMS, texts, tokens)
        ],
    )
    pairs = [(ITEMS[source]["item_id"], ITEMS[target]["item_id"], label) for source, target, label in PAIRS]
    write_lines(
        FOLDER / "pairs.jsonl",
        [{"src_item_id": s, "tgt_item_id": t, "item_label": str(label)} for s, t, label in pairs],
    )
    return tokenizer, texts


def write_backbones(bert_config, swin_config, inputs):
    """Write both backbones as the hub stores them; return what they give for the inputs."""
    token_ids, attention_mask, images = inputs
    bert = randomise(BertForPreTraining(bert_config).eval(), seed=3)
    bert.config.architectures = ["BertForMaskedLM"]
    bert.config.save_pretrained(str(FOLDER / "bert"))
    # The Chinese RoBERTa on the hub is older than the zip format of torch.save.
    torch.save(bert.state_dict(), FOLDER / "bert/pytorch_model.bin", _use_new_zipfile_serialization=False)
    swin = randomise(SwinForImageClassification(swin_config).eval(), seed=4)
    swin.save_pretrained(str(FOLDER / "swin"))
    with torch.no_grad():
        text = BertModel.from_pretrained(str(FOLDER / "bert")).eval()(token_ids, attention_mask)
        image = SwinModel.from_pretrained(str(FOLDER / "swin")).eval()(images)
    return {
        "backbone_text_cls": text.last_hidden_state[:, 0],
        "backbone_text_hidden_states_of_item_0": text.last_hidden_state[0],
        "backbone_image_pooled": image.pooler_output,
        "backbone_image_hidden_states_of_item_0": image.last_hidden_state[0],
    }


def main():
    """Write everything."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name in ("bert", "swin", "images"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        if name != "bert":
            (FOLDER / name).mkdir()
    tokenizer, texts = write_text_assets()
    bert_config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=160,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    swin_config = SwinConfig(
        image_size=IMAGE_SIZE,
        patch_size=4,
        embed_dim=8,
        depths=[2, 4, 2],
        num_heads=[1, 2, 4],
        window_size=4,
        drop_path_rate=0.0,
    )
    for number in range(NUM_NETWORK_ITEMS):
        write_image(FOLDER / "images" / ITEMS[number]["item_image_name"], number)

    items = ITEMS[:NUM_NETWORK_ITEMS]
    encoded = tokenizer(
        texts[:NUM_NETWORK_ITEMS],
        return_tensors="pt",
        max_length=MAX_TOKENS,
        padding="max_length",
        truncation=True,
    )
    pixels = torch.stack([read_image(str(FOLDER / "images" / item["item_image_name"])) for item in items])
    inputs = (encoded["input_ids"], encoded["attention_mask"], normalise(pixels))
    source, target, labels = torch.tensor(PAIRS).T

    network = randomise(PublishedNetwork(bert_config, swin_config).eval(), seed=1)
    torch.save({"params": network.state_dict()}, FOLDER / "network.pth")
    with torch.no_grad():
        p, q = network(*inputs)
        logits = pair_logits(network, inputs, source, target)
    arrays = {
        "token_ids": inputs[0],
        "attention_mask": inputs[1],
        "pixels": pixels,
        "images_of_items_0_and_1": inputs[2][:2],
        "source": source,
        "target": target,
        "labels": labels,
        "p": p,
        "q": q,
        "logits": logits,
        "loss": nn.functional.cross_entropy(logits, labels),
        **write_backbones(bert_config, swin_config, inputs),
    }
    np.savez_compressed(FOLDER / "inputs_and_outputs.npz", **{name: tensor.numpy() for name, tensor in arrays.items()})

    trace = train(network, inputs, source, target, labels)
    with torch.no_grad():
        p, q = network(*inputs)
    final = {name: tensor for name, tensor in network.state_dict().items() if name in FINAL_TENSORS}
    final.update({"p": p, "q": q})
    np.savez_compressed(
        FOLDER / "training_trace.npz",
        **{name: np.array(values, dtype=np.float64) for name, values in trace.items()},
        **{"final." + name: tensor.numpy() for name, tensor in final.items()},
    )
    write_json(
        FOLDER / "config.json",
        {
            "bert": bert_config.to_diff_dict(),
            "swin": swin_config.to_diff_dict(),
            "embedding_width": EMBEDDING_WIDTH,
            "max_tokens": MAX_TOKENS,
            "attributes": ATTRIBUTES,
            "image_mean": MEAN,
            "image_std": STD,
            "training": TRAINING,
        },
    )
    print(trace, logits, sep="\n")


if __name__ == "__main__":
    main()
