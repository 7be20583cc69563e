import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.text_pooling import POOLINGS, stored_pooling
from options.errors import UserError

OPTION = "model.text_encoder.pooling"


def slow_reference(pooling: str, states: Tensor, tokens: list[int]) -> Tensor:
    """Of one text, whose tokens stand at these places."""
    if pooling == "mean":
        total = torch.zeros(states.shape[1])
        for place in tokens:
            total += states[place]
        return total / len(tokens)
    return states[tokens[0] if pooling == "cls" else tokens[-1]]


@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
@pytest.mark.parametrize("padding", ["left", "right", "both"])
def test_texts_pool_the_same_whatever_side_of_them_is_padded(pooling: str, padding: str) -> None:
    tokens = [[0, 1, 2, 3, 4], [0, 1], [0]]
    shift = {"left": lambda row: 5 - len(row), "right": lambda row: 0, "both": lambda row: (5 - len(row)) // 2}[padding]
    places = [[place + shift(row) for place in row] for row in tokens]
    mask = torch.zeros(3, 5, dtype=torch.int64)
    for row, own in enumerate(places):
        mask[row, own] = 1
    states = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1))
    found = POOLINGS[pooling](states, mask)
    for row, own in enumerate(places):
        torch.testing.assert_close(found[row], slow_reference(pooling, states[row], own))


def stored(folder: Path, record: object) -> Path:
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("record", "pooling"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, "cls"),
        ({"pooling_mode_lasttoken": True, "word_embedding_dimension": 4}, "last"),
        ({"embedding_dimension": 4, "pooling_mode": "mean"}, "mean"),
        ({"embedding_dimension": 4, "pooling_mode": ["lasttoken"]}, "last"),
    ],
)
def test_a_folder_of_sentence_transformers_is_pooled_as_it_asks(tmp_path: Path, record: object, pooling: str) -> None:
    assert stored_pooling(tmp_path, OPTION) is None
    assert stored_pooling(stored(tmp_path, record), OPTION) == pooling


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ({"pooling_mode_max_tokens": True}, "pools by max"),
        ({"pooling_mode": ["mean", "max"]}, "pools by mean, max"),
        ({"pooling_mode_mean_tokens": False}, "pools by nothing"),
    ],
)
def test_a_pooling_that_is_none_of_ours_is_refused_unless_one_is_set(
    tmp_path: Path, record: object, named: str
) -> None:
    with pytest.raises(UserError, match=rf"{named}, which is none of cls, mean, lasttoken: set {OPTION}"):
        stored_pooling(stored(tmp_path, record), OPTION)


def test_a_damaged_pooling_file_is_named(tmp_path: Path) -> None:
    (stored(tmp_path, {}) / "1_Pooling" / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"1_Pooling.config\.json: damaged"):
        stored_pooling(tmp_path, OPTION)
