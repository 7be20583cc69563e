"""The small published network of tests/assets/published, made by transformers 4.18, against our own."""

import json
import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from data.options import ImageOptions
from data.pair_batch import ItemBatch
from models.embedding import ItemEmbedding, pair_score
from models.item_encoder import ItemEncoder, build_item_encoder
from models.options import ModelOptions
from models.published import ours_to_published, published_to_ours
from models.published_file import read_published
from models.swin_names import from_published, relative_position_index, to_published
from models.timm_image_encoder import TimmImageEncoder, build_timm_image_encoder
from models.transformers_encoders import build_transformers_image_encoder, build_transformers_text_encoder
from models.weights import load_exactly
from options.errors import UserError

Library = Literal["timm", "transformers"]
ASSETS = Path(__file__).parents[1] / "assets/published"
CONFIG = json.loads((ASSETS / "config.json").read_text(encoding="utf-8"))
TIMM_ARGUMENTS = {
    "img_size": CONFIG["swin"]["image_size"],
    **{name: CONFIG["swin"][name] for name in ("embed_dim", "depths", "num_heads", "window_size")},
}
IMAGE_ENCODERS = {
    "timm": {
        "name": "timm",
        "architecture": "swin_large_patch4_window12_384",
        "arguments": TIMM_ARGUMENTS,
        "weights": "random",
    },
    "transformers": {"name": "transformers", "architecture": CONFIG["swin"], "weights": "random"},
}
# Float32 sums in another order gave 4e-7 at most, against the largest number of the tensor.
RELATIVE = 1e-5

both_libraries = pytest.mark.parametrize("library", ["timm", "transformers"])


@pytest.fixture(scope="module")
def expected() -> dict[str, Tensor]:
    with np.load(ASSETS / "inputs_and_outputs.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    return read_published(ASSETS / "network.pth")


@pytest.fixture(scope="module")
def items(expected: dict[str, Tensor]) -> ItemBatch:
    mean, std = (torch.tensor(CONFIG[name]).view(3, 1, 1) for name in ("image_mean", "image_std"))
    num_items = len(expected["pixels"])
    return ItemBatch(
        images=(expected["pixels"].float() / 255 - mean) / std,
        token_ids=expected["token_ids"],
        attention_mask=expected["attention_mask"].bool(),
        item=torch.arange(num_items),
        blank_image=torch.zeros(num_items, dtype=torch.bool),
    )


def small_model(library: Library) -> ItemEncoder:
    options = ModelOptions.model_validate(
        {
            "image_encoder": IMAGE_ENCODERS[library],
            "text_encoder": {"name": "transformers", "architecture": CONFIG["bert"], "weights": "random"},
            "embedding_width": CONFIG["embedding_width"],
        }
    )
    return build_item_encoder(options, ImageOptions())


def published_model(library: Library, published: dict[str, Tensor]) -> ItemEncoder:
    model = small_model(library)
    load_exactly(model, published_to_ours(published, library), "network.pth")
    return model.eval()


def relative_error(actual: Tensor, wanted: Tensor) -> float:
    return float((actual - wanted).abs().max() / wanted.abs().max())


@torch.no_grad()
@both_libraries
def test_embeddings_logits_and_loss_are_those_of_the_published_network(
    library: Library, published: dict[str, Tensor], expected: dict[str, Tensor], items: ItemBatch
) -> None:
    embedding = published_model(library, published)(items)
    score = pair_score(embedding.rows(expected["source"]), embedding.rows(expected["target"]))
    logits = torch.stack([score.threshold, score.match], dim=1)
    assert relative_error(embedding.threshold, expected["p"]) < RELATIVE
    assert relative_error(embedding.match, expected["q"]) < RELATIVE
    assert relative_error(logits, expected["logits"]) < RELATIVE
    loss = nn.functional.cross_entropy(logits, expected["labels"])
    assert relative_error(loss, expected["loss"]) < RELATIVE


@torch.no_grad()
def test_padding_to_the_longest_text_of_the_batch_gives_the_embeddings_of_padding_to_140(
    published: dict[str, Tensor], expected: dict[str, Tensor], items: ItemBatch
) -> None:
    short = [0, 1, 2, 4, 5, 6, 7]
    longest = int(items.attention_mask[short].sum(dim=1).max())
    trimmed = items._replace(
        images=items.images[short],
        token_ids=items.token_ids[short, :longest],
        attention_mask=items.attention_mask[short, :longest],
    )
    assert longest < 40
    embedding = published_model("timm", published)(trimmed)
    wanted = ItemEmbedding(expected["p"], expected["q"]).rows(torch.tensor(short))
    assert relative_error(embedding.threshold, wanted.threshold) < RELATIVE
    assert relative_error(embedding.match, wanted.match) < RELATIVE


@both_libraries
def test_names_go_to_ours_and_back_bit_for_bit(library: Library, published: dict[str, Tensor]) -> None:
    back = ours_to_published(published_to_ours(published, library), library)
    assert back.keys() == published.keys()
    for name, tensor in published.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name], tensor), name


@both_libraries
def test_our_names_go_to_published_and_back_bit_for_bit(library: Library) -> None:
    ours = small_model(library).state_dict()
    back = published_to_ours(ours_to_published(ours, library), library)
    assert back.keys() == ours.keys()
    for name, tensor in ours.items():
        assert torch.equal(back[name], tensor), name


def full_size_published_state() -> dict[str, Tensor]:
    """Weights without memory; derived buffers with their values, since those are checked."""
    state = {}
    for line in (ASSETS / "full_size_names.tsv").read_text(encoding="utf-8").splitlines():
        name, shape, kind = line.split("\t")
        extents = [int(extent) for extent in shape.split("x")]
        if name.endswith("position_ids"):
            state[name] = torch.arange(extents[1])[None]
        elif name.endswith("relative_position_index"):
            state[name] = relative_position_index(12)
        else:
            state[name] = torch.empty(extents, dtype=getattr(torch, kind), device="meta")
        assert list(state[name].shape) == extents
    return state


def full_size_model(library: Library) -> ItemEncoder:
    swin_large = {
        "model_type": "swin",
        "image_size": 384,
        "window_size": 12,
        "embed_dim": 192,
        "depths": [2, 2, 18, 2],
        "num_heads": [6, 12, 24, 48],
    }
    image_encoders = {
        "timm": {"name": "timm", "architecture": "swin_large_patch4_window12_384", "weights": "random"},
        "transformers": {"name": "transformers", "architecture": swin_large, "weights": "random"},
    }
    options = ModelOptions.model_validate(
        {
            "image_encoder": image_encoders[library],
            "text_encoder": {
                "name": "transformers",
                "architecture": {"model_type": "bert", "vocab_size": 21128},
                "weights": "random",
            },
        }
    )
    with torch.device("meta"):
        return build_item_encoder(options, ImageOptions())


@both_libraries
def test_the_names_and_shapes_of_the_full_size_checkpoint_fit_the_full_size_model(library: Library) -> None:
    state = full_size_published_state()
    assert len(state) == 1294
    ours = published_to_ours(state, library)
    shapes = {name: tensor.shape for name, tensor in full_size_model(library).state_dict().items()}
    assert {name: tensor.shape for name, tensor in ours.items()} == shapes
    back = ours_to_published(ours, library)
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in back.items()} == {
        name: (tensor.shape, tensor.dtype) for name, tensor in state.items()
    }


@both_libraries
def test_every_unknown_name_is_reported_at_once(library: Library, published: dict[str, Tensor]) -> None:
    odd = [
        "txt_encoder3.x",
        "txt_encoder1.pooler.dense.weight",
        "img_encoder2.encoder.layers.0.x",
        "fc1.scale",
    ]
    with pytest.raises(UserError, match="4 tensors differ") as error:
        published_to_ours({**published, **dict.fromkeys(odd, torch.zeros(1))}, library)
    for name in odd:
        assert re.search(rf"unknown {re.escape(name.split('.', 1)[1])}|unknown {name}", str(error.value))


def test_a_query_without_its_key_is_reported(published: dict[str, Tensor]) -> None:
    name = "img_encoder1.encoder.layers.1.blocks.2.attention.self.key.bias"
    with pytest.raises(UserError, match=r"blocks\.2\.attention\.self\.query\.bias: query, key and value"):
        published_to_ours({key: value for key, value in published.items() if key != name}, "timm")


@pytest.mark.parametrize(
    "name",
    [
        "txt_encoder2.embeddings.position_ids",
        "img_encoder1.encoder.layers.0.blocks.1.attention.self.relative_position_index",
    ],
)
def test_a_derived_buffer_of_other_values_is_reported(name: str, published: dict[str, Tensor]) -> None:
    with pytest.raises(UserError, match=re.escape(name.split(".", 1)[1])):
        published_to_ours({**published, name: published[name].flip(-1)}, "timm")


def test_a_model_of_other_encoders_has_no_published_names() -> None:
    state = {"match.text_encoder.backbone.roberta.x": torch.zeros(1), "loss.scale": torch.zeros(1)}
    with pytest.raises(UserError, match="2 tensors differ"):
        ours_to_published(state, "timm")


@torch.no_grad()
def test_a_text_encoder_folder_of_the_hub_gives_its_hidden_state_at_cls(
    expected: dict[str, Tensor], items: ItemBatch
) -> None:
    encoder = build_transformers_text_encoder(str(ASSETS / "bert"), "pretrained").eval()
    assert relative_error(encoder(items), expected["backbone_text_cls"]) < RELATIVE


@torch.no_grad()
def test_an_image_encoder_folder_of_the_hub_gives_its_pooled_output(
    expected: dict[str, Tensor], items: ItemBatch
) -> None:
    encoder = build_transformers_image_encoder(str(ASSETS / "swin"), "pretrained", 64).eval()
    assert relative_error(encoder(items), expected["backbone_image_pooled"]) < RELATIVE


def timm_swin(weights: Path) -> TimmImageEncoder:
    return build_timm_image_encoder("swin_large_patch4_window12_384", TIMM_ARGUMENTS, str(weights)).eval()


@torch.no_grad()
def test_an_image_encoder_folder_of_the_hub_gives_its_pooled_output_in_timm(
    expected: dict[str, Tensor], items: ItemBatch
) -> None:
    assert relative_error(timm_swin(ASSETS / "swin")(items), expected["backbone_image_pooled"]) < RELATIVE


@torch.no_grad()
@pytest.mark.parametrize("form", ["without a classifier", "as transformers 5 names it", "as transformers 5 saves it"])
def test_a_swin_is_known_by_its_names_in_every_form(
    tmp_path: Path, form: str, expected: dict[str, Tensor], items: ItemBatch
) -> None:
    backbone = build_transformers_image_encoder(str(ASSETS / "swin"), "pretrained", 64).backbone
    if form == "as transformers 5 saves it":
        backbone.save_pretrained(tmp_path)  # type: ignore[operator]
    else:
        state = backbone.state_dict()
        if form == "without a classifier":
            state = to_published(state, "transformers")
        save_file(state, tmp_path / "model.safetensors")
    assert relative_error(timm_swin(tmp_path)(items), expected["backbone_image_pooled"]) < RELATIVE


def test_a_hub_swin_with_an_unknown_tensor_names_it_and_the_file(tmp_path: Path) -> None:
    stored = torch.load(ASSETS / "swin/pytorch_model.bin", weights_only=True)
    torch.save({**stored, "swin.embeddings.mask_token": torch.zeros(1, 1, 8)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"weights: .*pytorch_model\.bin: .*\n  unknown embeddings\.mask_token"):
        timm_swin(tmp_path)


def test_surplus_names_of_a_single_backbone_are_reported() -> None:
    stored = torch.load(ASSETS / "swin/pytorch_model.bin", weights_only=True)
    with pytest.raises(UserError, match=r"unknown classifier\.bias"):
        from_published(stored, "timm")


def test_a_qkv_that_is_not_three_parts_is_reported() -> None:
    with pytest.raises(UserError, match="not three equal parts"):
        to_published({"layers.0.blocks.0.attn.qkv.bias": torch.zeros(7)}, "timm")


def test_patch_merging_belongs_to_the_next_stage_in_timm() -> None:
    tensor = torch.ones(2)
    renamed = from_published({"encoder.layers.1.downsample.norm.bias": tensor}, "timm")
    assert list(renamed) == ["layers.2.downsample.norm.bias"]
