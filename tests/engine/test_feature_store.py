from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as multiprocessing

from engine.feature_store import FeatureStore, feature_store
from models.encoder import Encoder
from models.options import TimmImageEncoderOptions, TransformersTextEncoderOptions
from options.errors import UserError
from tests.tiny_data import IMAGE_ENCODER, TEXT_ENCODER

KEYS: list[bytes | None] = [b"a" * 16, None, b"b" * 16]
FEATURES = torch.arange(6.0).view(3, 2)


def test_what_was_added_is_found_and_nothing_else(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "folder" / "text.safetensors", 2)
    assert not store.find(KEYS)[1].any()
    store.add(KEYS, FEATURES)
    store.add([b"a" * 16, b"c" * 16], FEATURES[1:] + 10)
    features, is_there = store.find([b"c" * 16, None, b"a" * 16, b"x" * 16])
    assert is_there.tolist() == [True, False, True, False]
    assert features[[0, 2]].tolist() == [[14.0, 15.0], [0.0, 1.0]]


def _add_one_by_one(rank: int, file: Path) -> None:
    for number in range(20):
        FeatureStore(file, 2).add([bytes([rank, number] * 8)], torch.tensor([[rank, number]]).float())


def test_runs_that_add_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    file = tmp_path / "text.safetensors"
    multiprocessing.start_processes(_add_one_by_one, (file,), 2, start_method="fork")
    wanted = torch.cartesian_prod(torch.arange(2), torch.arange(20))
    features, is_there = FeatureStore(file, 2).find([bytes(row * 8) for row in wanted.tolist()])
    assert is_there.all()
    assert features.equal(wanted.float())


def test_nothing_to_add_leaves_the_folder_alone(tmp_path: Path) -> None:
    FeatureStore(tmp_path / "folder" / "text.safetensors", 2).add([None, None], FEATURES[:2])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [2, 3])
def test_a_file_of_other_things_is_refused(tmp_path: Path, width: int) -> None:
    file = tmp_path / "text.safetensors"
    FeatureStore(file, 2).add(KEYS, FEATURES)
    if width == 2:
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"text\.safetensors"):
        FeatureStore(file, width).find(KEYS)


def store_of(encoder: Encoder, reading: str = "a") -> Path:
    return feature_store(Path("folder"), "text", encoder, reading).file


def text_encoder(seed: int = 0, fields: Mapping[str, Any] | None = None, **changes: object) -> Encoder:
    torch.manual_seed(seed)
    architecture = {**TEXT_ENCODER["architecture"], **(fields or {})}
    return TransformersTextEncoderOptions.model_validate(
        {**TEXT_ENCODER, "architecture": architecture, **changes}
    ).build()


def image_encoder(arguments: Mapping[str, Any] | None = None, **changes: object) -> Encoder:
    torch.manual_seed(0)
    tree = {**IMAGE_ENCODER, "arguments": {**IMAGE_ENCODER["arguments"], **(arguments or {})}, **changes}
    return TimmImageEncoderOptions.model_validate(tree).build()


def test_the_file_tells_encoders_poolings_and_circumstances_apart() -> None:
    assert store_of(text_encoder()) == store_of(text_encoder())
    others = {
        store_of(text_encoder()),
        store_of(text_encoder(pooling="words")),
        store_of(text_encoder(seed=1)),
        store_of(text_encoder(), "b"),
    }
    assert len(others) == 4


def test_the_file_tells_architectures_of_equal_weights_apart() -> None:
    heads = {store_of(text_encoder(fields={"num_attention_heads": number})) for number in (2, 4)}
    assert len(heads) == 2
    assert store_of(image_encoder()) == store_of(image_encoder())
    others = {
        store_of(image_encoder()),
        store_of(image_encoder({"global_pool": "max"})),
        store_of(image_encoder(channels_last=True)),
    }
    assert len(others) == 3


def test_an_encoder_whose_weights_were_put_in_later_has_the_same_file(tmp_path: Path) -> None:
    text_encoder().backbone.save_pretrained(tmp_path)  # type: ignore[operator]
    loaded = text_encoder(architecture=str(tmp_path), weights="pretrained")
    later = text_encoder(seed=1, architecture=str(tmp_path))
    later.load_state_dict(loaded.state_dict())
    assert store_of(later) == store_of(loaded)
