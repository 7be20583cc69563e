from collections.abc import Callable
from pathlib import Path

import pytest

VALID = """\
name: demo
seed: 3
data:
  train: {items: t/items.jsonl, pairs: t/pairs.jsonl, images: t/images}
  val: {items: v/items.jsonl, pairs: v/pairs.jsonl, images: v/images}
  text: {attributes: [颜色分类, 货号]}
model:
  image_encoder: {name: timm, architecture: swin_tiny, arguments: {img_size: 64}, weights: random}
  text_encoder: {name: transformers, architecture: {model_type: bert, hidden_size: 32}, weights: random}
  threshold_branch: false
  head: {name: cosine}
loss: {name: contrastive, margin: 0.5}
train:
  steps: 100
  optimizer: {lr: 2e-6}
  schedule: {name: cosine_restarts, periods: [60, 40], restart_weights: [1.0, 0.5]}
predict: {threshold: calibrated}
"""


@pytest.fixture
def valid_text() -> str:
    """An option file without a fault."""
    return VALID


@pytest.fixture
def option_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write the text as an option file."""

    def write(text: str) -> Path:
        file = tmp_path / "demo.yml"
        file.write_text(text, encoding="utf-8")
        return file

    return write
