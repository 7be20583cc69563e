import numpy as np
import pytest
import torch
from torch import Tensor

from models.swin_names import (
    ImageLibrary,
    from_published,
    relative_position_index,
    rename,
    to_published,
)
from options.errors import UserError

BLOCK = "encoder.layers.0.blocks.1"
WINDOW = 2


def published() -> dict[str, Tensor]:
    """One attention and one patch merging, under the published names."""
    generator = torch.Generator().manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {
        **{f"{BLOCK}.attention.self.{name}.weight": (4, 4) for name in ("query", "key", "value")},
        **{f"{BLOCK}.attention.self.{name}.bias": (4,) for name in ("query", "key", "value")},
        f"{BLOCK}.attention.self.relative_position_bias_table": ((2 * WINDOW - 1) ** 2, 2),
        "encoder.layers.0.downsample.reduction.weight": (8, 16),
        "layernorm.weight": (8,),
    }
    state = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return {**state, f"{BLOCK}.attention.self.relative_position_index": relative_position_index(WINDOW)}


@pytest.mark.parametrize("window", [1, 2, 3, 12])
def test_the_position_index_is_that_of_a_loop_over_places(window: int) -> None:
    places = [(row, column) for row in range(window) for column in range(window)]
    expected = [[(a - c + window - 1) * (2 * window - 1) + (b - d + window - 1) for c, d in places] for a, b in places]
    assert relative_position_index(window).tolist() == expected


def test_timm_joins_query_key_and_value_and_merges_patches_a_stage_later() -> None:
    state = published()
    timm = from_published(state, "timm")
    assert set(timm) == {
        "layers.0.blocks.1.attn.qkv.weight",
        "layers.0.blocks.1.attn.qkv.bias",
        "layers.0.blocks.1.attn.relative_position_bias_table",
        "layers.1.downsample.reduction.weight",
        "norm.weight",
    }
    rows = timm["layers.0.blocks.1.attn.qkv.weight"]
    for place, name in enumerate(("query", "key", "value")):
        assert torch.equal(rows[4 * place : 4 * place + 4], state[f"{BLOCK}.attention.self.{name}.weight"])


def test_transformers_keeps_them_apart() -> None:
    renamed = from_published(published(), "transformers")
    assert f"{BLOCK}.attention.q_proj.weight" in renamed
    assert "encoder.layers.0.downsample.reduction.weight" in renamed
    assert len(renamed) == 9


@pytest.mark.parametrize("library", ["timm", "transformers"])
def test_there_and_back_again_nothing_is_changed(library: ImageLibrary) -> None:
    state = published()
    before = {name: tensor.clone() for name, tensor in state.items()}
    returned = to_published(from_published(state, library), library)
    assert returned.keys() == state.keys()
    for name, tensor in before.items():
        assert np.array_equal(returned[name], tensor)
        assert torch.equal(state[name], tensor)


def test_every_fault_of_a_published_state_is_named_at_once() -> None:
    state = {**published(), "stranger.weight": torch.ones(1)}
    state[f"{BLOCK}.attention.self.relative_position_index"] = torch.zeros(4, 4)
    del state[f"{BLOCK}.attention.self.key.bias"]
    _, faults = rename(state, "published", "timm")
    assert len(faults) == 3
    with pytest.raises(UserError, match="3 tensors differ") as refused:
        from_published(state, "timm")
    for text in ("unknown stranger.weight", "does not follow from its", "query.bias: query, key and value"):
        assert text in str(refused.value)


@pytest.mark.parametrize(
    ("library", "name", "fault"),
    [
        ("timm", "layers.0.blocks.0.attn.qkv.bias", "has 4 rows, which are not three equal parts"),
        ("timm", "layers.0.blocks.0.attn.query.bias", "unknown"),
        ("timm", "head.fc.weight", "unknown"),
        ("transformers", "layers.0.blocks.0.norm1.weight", "unknown"),
    ],
)
def test_tensors_without_a_published_name_are_named(library: ImageLibrary, name: str, fault: str) -> None:
    _, faults = rename({name: torch.ones(4)}, library, "published")
    assert len(faults) == 1
    assert name in faults[0]
    assert fault in faults[0]
    with pytest.raises(UserError, match="1 tensors differ"):
        to_published({name: torch.ones(4)}, library)
