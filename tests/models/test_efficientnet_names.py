from itertools import chain
from pathlib import Path

import pytest
import torch
from torch import Tensor

from data.pair_batch import ItemBatch
from models.efficientnet_names import is_lukemelas_efficientnet, lukemelas_efficientnet_to_timm
from models.timm_image_encoder import build_timm_image_encoder
from options.errors import UserError

ARCHITECTURE = "tf_efficientnet_lite0"
BLOCKS_OF_A_STAGE = (1, 2, 2, 3, 3, 4, 1)
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def published_names() -> dict[str, str]:
    """The published name of every tensor of EfficientNet-Lite0 by timm's, as the networks' structures have them."""
    names = {"conv_stem.weight": "_conv_stem.weight", "conv_head.weight": "_conv_head.weight"}
    norms = [("bn1", "_bn0"), ("bn2", "_bn1")]
    places = chain.from_iterable([(stage, block) for block in range(n)] for stage, n in enumerate(BLOCKS_OF_A_STAGE))
    for number, (stage, block) in enumerate(places):
        ours, theirs = f"blocks.{stage}.{block}", f"_blocks.{number}"
        if stage == 0:
            convolutions = [("conv_dw", "_depthwise_conv"), ("conv_pw", "_project_conv")]
            norms += [(f"{ours}.bn{n}", f"{theirs}._bn{n}") for n in (1, 2)]
        else:
            convolutions = [("conv_pw", "_expand_conv"), ("conv_dw", "_depthwise_conv"), ("conv_pwl", "_project_conv")]
            norms += [(f"{ours}.bn{n}", f"{theirs}._bn{n - 1}") for n in (1, 2, 3)]
        names |= {f"{ours}.{a}.weight": f"{theirs}.{b}.weight" for a, b in convolutions}
    return names | {f"{a}.{tensor}": f"{b}.{tensor}" for a, b in norms for tensor in NORM}


@pytest.fixture(scope="module")
def timm_state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return build_timm_image_encoder(ARCHITECTURE, {}, "random").backbone.state_dict()


def test_every_tensor_of_the_published_file_gets_its_name_of_timm(timm_state: dict[str, Tensor]) -> None:
    names = published_names()
    assert names.keys() == timm_state.keys()
    published = {names[name]: tensor for name, tensor in timm_state.items()}
    assert is_lukemelas_efficientnet(published)
    renamed = lukemelas_efficientnet_to_timm(published, timm_state)
    assert {name: tensor.data_ptr() for name, tensor in renamed.items()} == {
        name: tensor.data_ptr() for name, tensor in timm_state.items()
    }


def test_other_states_are_not_taken_for_it(timm_state: dict[str, Tensor]) -> None:
    assert not is_lukemelas_efficientnet(timm_state)


def test_a_published_file_is_loaded_whole_and_its_classifier_left_out(
    tmp_path: Path, timm_state: dict[str, Tensor], items: ItemBatch
) -> None:
    names = published_names()
    published = {names[name]: tensor for name, tensor in timm_state.items()}
    torch.save({**published, "_fc.weight": torch.zeros(3, 1280), "_fc.bias": torch.zeros(3)}, tmp_path / "lite0.pth")
    encoder = build_timm_image_encoder(ARCHITECTURE, {}, str(tmp_path / "lite0.pth"))
    assert all(torch.equal(tensor, timm_state[name]) for name, tensor in encoder.backbone.state_dict().items())
    assert encoder(items).shape == (4, 1280)


def test_a_published_file_that_lacks_a_block_is_refused_by_the_names_of_timm(
    tmp_path: Path, timm_state: dict[str, Tensor]
) -> None:
    names = published_names()
    published = {names[name]: tensor for name, tensor in timm_state.items() if not name.startswith("blocks.6")}
    torch.save(published, tmp_path / "lite0.pth")
    with pytest.raises(UserError, match=r"missing blocks\.6\.0\.conv_pw\.weight"):
        build_timm_image_encoder(ARCHITECTURE, {}, str(tmp_path / "lite0.pth"))
