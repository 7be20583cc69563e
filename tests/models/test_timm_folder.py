import json
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from data.options import ImageOptions
from data.pair_batch import ItemBatch
from models.encoder_options import TimmImageEncoderOptions
from models.own_preparation import prepared
from models.timm_image_encoder import build_timm_image_encoder
from options.errors import UserError

NAME = "vit_tiny_patch16_224"
SMALL = {"img_size": 32, "depth": 1, "embed_dim": 16, "num_heads": 2}
HALF = (0.5, 0.5, 0.5)


def write_folder(folder: Path, form: str) -> torch.nn.Module:
    """Write a small model in the form of a library."""
    torch.manual_seed(0)
    model = timm.create_model(NAME, num_classes=0, **SMALL).eval()
    state = model.state_dict()
    if form == "timm":
        config = {"architecture": NAME, "model_args": SMALL, "pretrained_cfg": {"mean": HALF, "std": HALF}}
        save_file(state, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    else:
        config = {
            "model_cfg": {"vision_cfg": {"timm_model_name": NAME}},
            "preprocess_cfg": {"mean": HALF, "std": HALF},
        }
        dual = {f"visual.trunk.{name}": tensor for name, tensor in state.items()}
        save_file({**dual, "text.token_embedding.weight": torch.zeros(2, 2)}, folder / "open_clip_model.safetensors")
        (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    return model


@torch.no_grad()
@pytest.mark.parametrize("form", ["timm", "open_clip"])
def test_a_folder_gives_its_model_weights_and_preparation(tmp_path: Path, form: str) -> None:
    model = write_folder(tmp_path, form)
    encoder = build_timm_image_encoder(str(tmp_path), SMALL if form == "open_clip" else {}, "pretrained").eval()
    images = torch.rand(2, 3, 32, 32)
    none = torch.empty((2, 0), dtype=torch.int64)
    features = encoder(ItemBatch(images, none, none.bool(), torch.zeros(2), torch.zeros(2)))
    torch.testing.assert_close(features, model(images))
    options = TimmImageEncoderOptions(name="timm", architecture=str(tmp_path))
    assert prepared(ImageOptions(), options).normalisation == (HALF, HALF)


def test_a_folder_of_something_else_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "clip"}', encoding="utf-8")
    with pytest.raises(UserError, match=r"has no image encoder of timm: it needs config\.json with an architecture"):
        build_timm_image_encoder(str(tmp_path), {}, "pretrained")
