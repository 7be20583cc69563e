import itertools
import os
from collections.abc import Iterator

import pytest
import torch

from engine.randomness import seed_everything, use_deterministic_algorithms


def drawn(*parts: int) -> float:
    seed_everything(*parts)
    return torch.rand(()).item()


def test_equal_parts_give_equal_numbers() -> None:
    assert drawn(3, 14, 0) == drawn(3, 14, 0)


def test_seed_step_and_rank_each_give_numbers_of_their_own() -> None:
    draws = [drawn(*parts) for parts in itertools.product(range(4), range(4), range(4))]
    assert len(set(draws)) == 64


@pytest.fixture
def _usual_algorithms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    benchmark = torch.backends.cudnn.benchmark
    mode = torch.get_deterministic_debug_mode()
    yield
    torch.set_deterministic_debug_mode(mode)
    torch.backends.cudnn.benchmark = benchmark


@pytest.mark.usefixtures("_usual_algorithms")
def test_what_cannot_be_deterministic_raises() -> None:
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    use_deterministic_algorithms()
    with pytest.raises(RuntimeError, match="deterministic"):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@pytest.mark.usefixtures("_usual_algorithms")
def test_a_workspace_that_the_user_chose_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    use_deterministic_algorithms()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
