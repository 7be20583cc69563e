"""The small published network of tests/assets/published as an option tree and options."""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.experiment import ExperimentOptions
from options.read import read_options
from options.yaml_values import to_yaml

Library = Literal["timm", "transformers"]
ASSETS = Path(__file__).parent / "assets/published"
NETWORK = ASSETS / "network.pth"
CONFIG = json.loads((ASSETS / "config.json").read_text(encoding="utf-8"))


def published_tree(library: Library) -> dict[str, Any]:
    """Return a whole option tree, as YAML holds it, that reads the assets and has their network and training."""
    swin, training = CONFIG["swin"], CONFIG["training"]
    files = {name: str(ASSETS / name) for name in ("items.jsonl", "pairs.jsonl", "images")}
    split = {"items": files["items.jsonl"], "pairs": files["pairs.jsonl"], "images": files["images"]}
    image_encoders = {
        "timm": {
            "name": "timm",
            "architecture": "swin_large_patch4_window12_384",
            "arguments": {
                "img_size": swin["image_size"],
                "drop_path_rate": 0.0,
                **{name: swin[name] for name in ("embed_dim", "depths", "num_heads", "window_size")},
            },
            "weights": "random",
        },
        "transformers": {"name": "transformers", "architecture": swin, "weights": "random"},
    }
    return {
        "name": "published",
        "data": {
            "train": split,
            "val": split,
            "test": split,
            "text": {
                "tokenizer": str(ASSETS / "bert"),
                "max_tokens": CONFIG["max_tokens"],
                "attributes": CONFIG["attributes"],
            },
            "image": {"size": swin["image_size"], "mean": CONFIG["image_mean"], "std": CONFIG["image_std"]},
            "workers": 0,
        },
        "model": {
            "image_encoder": image_encoders[library],
            "text_encoder": {"name": "transformers", "architecture": CONFIG["bert"], "weights": "random"},
            "embedding_width": CONFIG["embedding_width"],
            "weights": str(NETWORK),
        },
        "loss": {"name": "self_adaptive_threshold"},
        "train": {
            "steps": training["steps"],
            "batch_size": len(arrays("inputs_and_outputs.npz")["labels"]),
            "optimizer": {
                "name": "adam",
                "lr": training["lr"],
                "weight_decay": training["weight_decay"],
                "betas": training["betas"],
            },
            "schedule": {
                "name": "cosine_restarts",
                "periods": training["periods"],
                "restart_weights": training["restart_weights"],
                "min_lr": training["min_lr"],
            },
            "clip_norm": training["clip_norm"],
            "log_every": 1,
        },
    }


def published_options(file: Path, library: Library, *overrides: str) -> ExperimentOptions:
    """Write the tree to a file and read it as the commands do, with overrides as on the command line."""
    file.write_text(to_yaml(published_tree(library)), encoding="utf-8")
    return read_options(ExperimentOptions, file, overrides)


def arrays(name: str) -> dict[str, Tensor]:
    """Return the arrays of an asset."""
    with np.load(ASSETS / name) as content:
        return {key: torch.from_numpy(content[key]) for key in content.files}
