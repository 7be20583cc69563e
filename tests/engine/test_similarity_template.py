import math
from typing import Any

import numpy as np
import pytest
import torch

from engine.similarity_template import similarity_source
from models.embedding import ItemEmbedding, pack, pair_score


def program(threshold_width: int) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(similarity_source(threshold_width), names)
    return names


@pytest.mark.parametrize("threshold_width", [0, 6])
def test_the_similarity_is_the_margin_of_the_models_score(threshold_width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    source, target = (
        ItemEmbedding(
            torch.randn(5, threshold_width, generator=generator, dtype=torch.float64),
            torch.randn(5, 6, generator=generator, dtype=torch.float64),
        )
        for _ in range(2)
    )
    compute = program(threshold_width)["compute"]
    similarities = [compute(a, b) for a, b in zip(pack(source).tolist(), pack(target).tolist(), strict=True)]
    assert similarities == pytest.approx(pair_score(source, target).margin.tolist(), rel=1e-12)


def test_lists_of_plain_numbers_give_a_plain_number() -> None:
    similarity = program(1)["compute"]([2, 3.0], [5, 7.0])
    assert similarity == 3 * 7 - 2 * 5
    assert type(similarity) is float


def test_nothing_needs_to_be_installed() -> None:
    assert "import" not in similarity_source(512)
    row = np.full(1024, 0.5).tolist()
    assert math.isclose(program(512)["compute"](row, row), 0.0)
