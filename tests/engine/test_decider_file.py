import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from data.item import Item
from data.pair_features import PairFeatures
from engine.boosted_trees import BoostedTrees
from engine.checkpoint_folder import decider_path
from engine.decider import Blend, Decider
from engine.decider_file import find_decider, write_decider
from engine.evaluator import evaluation
from engine.pair_scores import ValidationScores
from models.feature_blocks import FeatureBlocks
from options.errors import UserError
from tests.engine.conftest import MakeOptions, fresh_state, save

MARGINS, SAME = np.array([1.5, -2.0, 0.5]), np.array([True, False, True])
ITEMS = [Item("1", f"vase xk-{number}", {"品牌": ("a",), "price": (str(number),)}, "", "") for number in range(20)]


def some_decider() -> Decider:
    features = np.array([[0.0, 1], [1, 0], [1, 1], [0, 0], [2, 0], [2, 1]], np.float32)
    trees = BoostedTrees.fit(features, features[:, 0] > 0.5, 0)
    blocks = FeatureBlocks(("text 1",), (2,), np.ones(2, np.float32), np.full(2, 0.5, np.float32))
    return Decider(PairFeatures.of(ITEMS[:3]), blocks, trees, Blend(0.5, 1.25, 0.75), 0.375, 0.875)


def meaning(decider: Decider) -> object:
    """All of a decider that can be compared."""
    rarity = {
        name: (each.num_texts, each.bucket.tolist(), each.count.tolist())
        for name, each in decider.features.rarity.items()
    }
    blocks = decider.blocks
    of_blocks = blocks and (blocks.names, blocks.widths, blocks.mean.tolist(), blocks.deviation.tolist())
    trees = {name: array.tolist() for name, array in decider.trees.arrays().items()}
    names = (decider.features.names, decider.features.numeric)
    return rarity, names, of_blocks, trees, decider.blend, decider.calibrated, decider.estimated_f1


@pytest.fixture
def checkpoint(make_options: MakeOptions, tmp_path: Path) -> Path:
    """An evaluated checkpoint."""
    state = fresh_state(make_options("model.image_encoder=null"))
    rows = np.arange(3)
    state.step = 2
    state.evaluation = evaluation(MARGINS, SAME, 0.0)
    state.validation = ValidationScores(MARGINS, np.zeros(3), SAME, rows, rows + 1, ("a", "b", "c", "d"), ("vase",) * 4)
    return save(tmp_path / "c", state, is_best=True)


@pytest.mark.parametrize("change", [{}, {"blocks": None}, {"estimated_f1": None}, {"features": PairFeatures.of(ITEMS)}])
def test_a_decider_that_was_written_is_read_as_it_was(checkpoint: Path, change: dict[str, None]) -> None:
    decider = replace(some_decider(), **change)
    assert write_decider(checkpoint, decider) == decider_path(checkpoint)
    assert meaning(find_decider(checkpoint)) == meaning(decider)
    first = decider_path(checkpoint).read_bytes()
    assert write_decider(checkpoint, find_decider(checkpoint)).read_bytes() == first


def test_a_missing_decider_is_named_with_what_to_do(checkpoint: Path) -> None:
    with pytest.raises(
        UserError, match=r"predict\.decider: .*step_00000002\.decider\.safetensors is missing: run bash"
    ):
        find_decider(checkpoint)


def test_a_folder_in_its_place_is_named(checkpoint: Path) -> None:
    decider_path(checkpoint).mkdir()
    with pytest.raises(UserError, match=r"decider\.safetensors is missing"):
        find_decider(checkpoint)


def test_a_decider_of_another_state_of_the_checkpoint_is_refused(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_decider(checkpoint, some_decider())
    monkeypatch.setattr("engine.decider_file.recorded_checksum", lambda *_: "0" * 64)
    with pytest.raises(UserError, match=r"decider\.safetensors: was fitted to other scores.*run bash train\.sh"):
        find_decider(checkpoint)


def test_a_file_of_something_else_is_refused(checkpoint: Path) -> None:
    file = decider_path(checkpoint)
    for metadata in (None, {"record": "{}"}, {"record": "no JSON"}):
        save_file({"a": torch.ones(2)}, file, metadata)
        with pytest.raises(
            UserError, match=r"safetensors: is damaged, or no decider .*delete it and run bash"
        ) as raised:
            find_decider(checkpoint)
        assert "\n" not in str(raised.value)
    for content in (b"", b"text", bytes(1000)):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"decider\.safetensors: .*; delete it and run bash train\.sh"):
            find_decider(checkpoint)


def test_a_decider_of_another_format_is_refused(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.decider_file.FORMAT", 2)
    write_decider(checkpoint, some_decider())
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"its format is 2 and not 1"):
        find_decider(checkpoint)


@pytest.mark.parametrize("new", [b'"', b"9", b"I", b"\xff"])
def test_a_decider_with_any_byte_changed_is_refused_or_means_the_same(checkpoint: Path, new: bytes) -> None:
    file = write_decider(checkpoint, some_decider())
    before, content = meaning(find_decider(checkpoint)), file.read_bytes()
    (header,) = struct.unpack("<Q", content[:8])
    refused = 0
    places = [*range(0, 8 + header, 5), *range(8 + header, len(content), len(content) // 50)]
    for place in places:
        file.write_bytes(content[:place] + new + content[place + 1 :])
        try:
            assert meaning(find_decider(checkpoint)) == before
        except UserError as error:
            refused += file.name in str(error)
    assert refused > len(places) // 3


def test_an_array_of_the_same_bytes_of_another_type_is_refused(checkpoint: Path) -> None:
    file = write_decider(checkpoint, some_decider())
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header["value"]["dtype"] = "I64"
    changed = json.dumps(header, separators=(",", ":")).encode()
    file.write_bytes(struct.pack("<Q", len(changed)) + changed + content[8 + length :])
    with pytest.raises(UserError, match="its digest is another"):
        find_decider(checkpoint)
