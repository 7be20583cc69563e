from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.distributed import Processes
from engine.parallel import BUCKET_MEBIBYTES, data_parallel
from tests.engine.conftest import ALONE
from tests.engine.processes import run_processes

INPUTS = torch.arange(12, dtype=torch.float32).view(4, 3)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))


def gradients(module: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    module(inputs).mean().backward()
    return {
        name.removeprefix("module."): weight.grad.clone()
        for name, weight in module.named_parameters()
        if weight.grad is not None
    }


def test_one_process_calls_the_model_itself() -> None:
    alone = model()
    assert data_parallel(alone, ALONE) is alone


@pytest.mark.parametrize("bucket_mebibytes", [BUCKET_MEBIBYTES, 1])
@pytest.mark.parametrize("static_graph", [False, True])
def test_two_processes_get_the_gradient_of_all_their_inputs(
    tmp_path: Path, bucket_mebibytes: int, static_graph: bool
) -> None:
    def action(processes: Processes, folder: Path) -> None:
        module = data_parallel(model(), processes, bucket_mebibytes, static_graph)
        own = INPUTS[2 * processes.rank : 2 * processes.rank + 2]
        torch.save(gradients(module, own), folder / f"result{processes.rank}.pt")

    expected = gradients(model(), INPUTS)
    for found in run_processes(2, action, tmp_path):
        assert found.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient)
