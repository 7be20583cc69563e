import pytest
import torch

from engine.memory_fault import memory_faults
from options.errors import UserError


def test_memory_that_torch_is_refused_is_a_fault_that_the_user_can_mend() -> None:
    with pytest.raises(UserError, match=r"out of memory: .*allocate.*halve train\.batch_size"), memory_faults():
        torch.empty(2**58)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError()]
)
def test_the_other_ways_of_running_out_are_told_alike(error: Exception) -> None:
    with pytest.raises(UserError, match=r"out of memory: (CUDA|the system).*evaluate\.batch_size"), memory_faults():
        raise error


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_faults():
        raise RuntimeError("shapes differ")
