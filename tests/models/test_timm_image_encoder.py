import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from data.pair_batch import ItemBatch
from models.timm_image_encoder import TimmImageEncoder, build_timm_image_encoder, mean_and_deviation
from options.errors import UserError
from tests.tiny_data import IMAGE_ENCODER

ARCHITECTURE: str = IMAGE_ENCODER["architecture"]
ARGUMENTS: dict[str, Any] = IMAGE_ENCODER["arguments"]


@pytest.fixture(scope="module")
def encoder() -> TimmImageEncoder:
    return build_timm_image_encoder(ARCHITECTURE, ARGUMENTS, "random")


def test_features_are_the_pooled_normalised_last_map(encoder: TimmImageEncoder, items: ItemBatch) -> None:
    encoder.eval()
    features = encoder(items)
    assert encoder.width == 32
    assert features.shape == (4, 32)
    last_map = encoder.backbone.forward_features(items.images)  # type: ignore[operator]
    torch.testing.assert_close(features, last_map.mean(dim=(1, 2)))


@pytest.mark.parametrize(
    ("architecture", "arguments", "width"),
    [
        ("mobilenetv3_small_050", {}, 1024),
        ("tf_efficientnet_lite0", {}, 1280),
        ("resnet10t", {}, 512),
        ("resnet10t", {"global_pool": "catavgmax"}, 1024),
        ("vit_tiny_patch16_224", {"img_size": 32, "depth": 1}, 192),
        ("convnext_atto", {"depths": [1, 1, 1, 1]}, 320),
    ],
)
def test_the_width_is_that_of_the_features_behind_all_layers_of_a_head(
    architecture: str, arguments: dict[str, Any], width: int, items: ItemBatch
) -> None:
    encoder = build_timm_image_encoder(architecture, arguments, "random").eval()
    assert encoder.width == width
    assert encoder(items).shape == (4, width)


@pytest.mark.parametrize(
    ("architecture", "arguments", "modules"),
    [
        (ARCHITECTURE, ARGUMENTS, ["layers.0", "layers.1"]),
        ("tf_efficientnet_lite0", {}, ["blocks.0", "blocks.1", "blocks.2", "blocks.4", "blocks.6"]),
    ],
)
def test_levels_are_means_and_deviations_of_the_stages_maps_and_of_their_middles(
    architecture: str, arguments: dict[str, Any], modules: list[str], items: ItemBatch
) -> None:
    torch.manual_seed(0)
    levels = tuple(range(len(modules)))
    encoder = build_timm_image_encoder(architecture, arguments, "random", levels).eval()
    maps: list[torch.Tensor] = []
    for module in modules:
        encoder.backbone.get_submodule(module).register_forward_hook(lambda _, inputs, output: maps.append(output))
    features = encoder(items)
    expected = []
    for level in maps:
        by_place = level if architecture == ARCHITECTURE else level.permute(0, 2, 3, 1)
        extent = by_place.shape[1]
        inner = slice(extent // 4, extent - extent // 4)
        for part in (by_place.flatten(1, 2), by_place[:, inner, inner].flatten(1, 2)):
            expected += [part.mean(dim=1), part.std(dim=1, unbiased=False)]
    assert features.shape == (4, encoder.width)
    torch.testing.assert_close(features, torch.cat(expected, dim=1), atol=2e-4, rtol=1e-4)
    some = build_timm_image_encoder(architecture, arguments, "random", (1,))
    assert some(items).shape == (4, some.width)


def test_a_map_without_variation_has_finite_gradients() -> None:
    level = torch.ones(1, 2, 3, 3, requires_grad=True)
    mean_and_deviation(level).sum().backward()
    assert level.grad is not None
    assert level.grad.isfinite().all()


@pytest.mark.parametrize("architecture", [ARCHITECTURE, "tf_efficientnet_lite0"])
@pytest.mark.parametrize("levels", [(0, 1), (0,)])
def test_every_weight_that_levels_leave_has_a_gradient(
    architecture: str, levels: tuple[int, ...], items: ItemBatch, gradients: Callable[..., dict[str, torch.Tensor]]
) -> None:
    arguments = ARGUMENTS if architecture == ARCHITECTURE else {}
    encoder = build_timm_image_encoder(architecture, arguments, "random", levels)
    whole = build_timm_image_encoder(architecture, arguments, "random")
    assert 0 < len(gradients(encoder, items)) < len(dict(whole.named_parameters()))


def test_the_layout_in_memory_changes_last_bits_at_most(items: ItemBatch) -> None:
    features = []
    for channels_last in (False, True):
        torch.manual_seed(0)
        encoder = build_timm_image_encoder("resnet10t", {}, "random", channels_last=channels_last).eval()
        layouts: list[bool] = []
        encoder.backbone.register_forward_hook(
            lambda _, inputs, output, found=layouts: found.append(
                inputs[0].is_contiguous(memory_format=torch.channels_last)
            )
        )
        features.append(encoder(items))
        assert layouts == [channels_last]
    torch.testing.assert_close(*features, atol=1e-5, rtol=1e-4)


def test_a_level_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match=r"levels: SwinTransformer of timm has 2 feature levels, numbered from 0"):
        build_timm_image_encoder(ARCHITECTURE, ARGUMENTS, "random", (0, 2))


@pytest.mark.parametrize("kind", ["file", "folder", "pytorch_model.bin", "with a classifier"])
def test_saved_weights_are_loaded(tmp_path: Path, encoder: TimmImageEncoder, kind: str) -> None:
    state = dict(encoder.backbone.state_dict())
    if kind == "pytorch_model.bin":
        torch.save(state, tmp_path / kind)
    else:
        extra = {"head.fc.weight": torch.zeros(1000, 32)} if kind == "with a classifier" else {}
        save_file({**state, **extra}, tmp_path / "model.safetensors")
    place = tmp_path / "model.safetensors" if kind == "file" else tmp_path
    loaded = build_timm_image_encoder(ARCHITECTURE, ARGUMENTS, str(place))
    for name, tensor in loaded.backbone.state_dict().items():
        assert torch.equal(tensor, state[name]), name


def test_weights_that_lack_a_tensor_are_refused_by_its_name(tmp_path: Path, encoder: TimmImageEncoder) -> None:
    state = dict(encoder.backbone.state_dict())
    del state["norm.weight"]
    state["patch_embed.proj.bias"] = torch.zeros(3)
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=re.escape(str(tmp_path))) as caught:
        build_timm_image_encoder(ARCHITECTURE, ARGUMENTS, str(tmp_path))
    assert "missing norm.weight" in str(caught.value)
    assert "patch_embed.proj.bias is 3 and should be 16" in str(caught.value)


@pytest.mark.parametrize(
    ("architecture", "own", "deeper", "surplus"),
    [
        ("vit_tiny_patch16_224", {"img_size": 32, "depth": 1}, {"depth": 2}, "blocks.1.norm1.weight"),
        ("convnext_atto", {"depths": [1, 1, 1, 1]}, {"depths": [1, 3, 1, 1]}, "stages.1.blocks.2.norm.weight"),
    ],
)
def test_weights_of_a_deeper_model_are_refused_by_what_is_surplus(
    tmp_path: Path, architecture: str, own: dict[str, Any], deeper: dict[str, Any], surplus: str
) -> None:
    state = build_timm_image_encoder(architecture, {**own, **deeper}, "random").backbone.state_dict()
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=re.escape(str(tmp_path))) as caught:
        build_timm_image_encoder(architecture, own, str(tmp_path))
    assert f"surplus {surplus}" in str(caught.value)
    assert "missing" not in str(caught.value)


class RunsCode:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.witness),)


def test_weights_that_could_run_code_are_refused_and_do_not_run(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"x": RunsCode(tmp_path / "witness")}))
    with pytest.raises(UserError, match=r"^model.image_encoder.weights: .*pytorch_model.bin is (refused|damaged)"):
        build_timm_image_encoder(ARCHITECTURE, ARGUMENTS, str(tmp_path))
    assert not (tmp_path / "witness").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04" + bytes(50)])
def test_damaged_weights_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"^model.image_encoder.weights: .*{name}"):
        build_timm_image_encoder(ARCHITECTURE, ARGUMENTS, str(tmp_path))


def test_weights_that_are_not_there_are_one_error() -> None:
    with pytest.raises(UserError, match=r"^model.image_encoder.weights: no weights at nowhere/at-all "):
        build_timm_image_encoder(ARCHITECTURE, ARGUMENTS, "nowhere/at-all")


def test_pretrained_weights_without_a_network_are_one_error() -> None:
    with pytest.raises(UserError, match=r"^model.image_encoder: 'timm/swin_tiny.*cannot be fetched from the hub"):
        build_timm_image_encoder("swin_tiny_patch4_window7_224.ms_in1k", {}, "pretrained")


def test_an_unknown_architecture_names_near_ones() -> None:
    with pytest.raises(UserError, match=r"no model 'swin_larg_patch4_window12_384'; .*swin_large_patch4_window12_384"):
        build_timm_image_encoder("swin_larg_patch4_window12_384", {}, "random")


@pytest.mark.parametrize("arguments", [{"no_such": 1}, {"num_heads": [3, 5], "embed_dim": 16}, {"num_classes": 5}])
def test_arguments_that_do_not_fit_are_shown(arguments: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"^model.image_encoder: .*cannot be built.*{next(iter(arguments))}"):
        build_timm_image_encoder(ARCHITECTURE, arguments, "random")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features_only": True}, "gives maps in place of a vector"),
        ({"checkpoint_path": "no/such.safetensors"}, "cannot be built with random weights and the arguments"),
    ],
)
def test_arguments_that_make_another_kind_of_model_are_explained(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_timm_image_encoder("test_resnet", arguments, "random")


def test_activation_checkpointing_gives_equal_gradients(
    encoder: TimmImageEncoder, items: ItemBatch, gradients: Callable[..., dict[str, torch.Tensor]]
) -> None:
    encoder.train()
    expected = gradients(encoder, items)
    encoder.checkpoint_activations()
    found = gradients(encoder, items)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, msg=name)
