from pathlib import Path

import pytest

from options.yaml_values import to_yaml
from tests.tiny_data import TEXT_ENCODER, option_tree
from tools.study.ablation import runs

QUICK = ["train.steps=2", "train.evaluate_every=2", "train.save_every=2", "log.tensorboard=false"]


@pytest.fixture
def tiny_ablations(tmp_path: Path, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two ablations of a model of tiny size, on the text alone; the current folder is empty but for them."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "ablation"
    folder.mkdir()
    model = {"image_encoder": None, "text_encoder": TEXT_ENCODER, "embedding_width": 16}
    for name, change in (("full", {}), ("a_shared", {"share_encoders": True})):
        tree = {**option_tree(tiny_dataset, f"ablation_{name}"), "model": {**model, **change}}
        (folder / f"{name}.yml").write_text(to_yaml(tree), encoding="utf-8")
    monkeypatch.setattr(runs, "ABLATIONS", folder)
    return folder
