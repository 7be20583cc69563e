from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from engine.distributed import Processes, gather_with_gradient, started_processes, to_first
from options.errors import UserError
from tests.engine.processes import run_processes


def own_rows(rank: int) -> Tensor:
    """Different numbers of rows in each process, none in the second."""
    return torch.arange(6.0).reshape(3, 2)[: (3, 0, 1)[rank]] + 10 * rank


def _gather(processes: Processes, folder: Path) -> None:
    gathered = to_first(own_rows(processes.rank))
    assert (gathered is not None) == processes.is_first
    weights = own_rows(processes.rank).requires_grad_()
    rows = gather_with_gradient(weights)
    (rows * rows * torch.arange(1.0, 9.0).reshape(4, 2)).sum().backward()
    empty = gather_with_gradient(torch.zeros(2 + processes.rank, 0, requires_grad=True))
    numbers = gather_with_gradient(torch.arange(processes.rank + 1))
    torch.save(
        {
            "gathered": torch.cat(gathered) if gathered is not None else torch.empty(0),
            "rows": rows.detach(),
            "gradient": weights.grad,
            "empty": torch.tensor(empty.shape),
            "numbers": numbers,
        },
        folder / f"result{processes.rank}.pt",
    )
    dist.barrier()


def test_processes_gather_rows_of_unequal_number_and_their_gradients(tmp_path: Path) -> None:
    results = run_processes(3, _gather, tmp_path)
    everything = torch.cat([own_rows(rank) for rank in range(3)])
    assert torch.equal(results[0]["gathered"], everything)
    expected = torch.split(2 * everything * torch.arange(1.0, 9.0).reshape(4, 2), [3, 0, 1])
    for rank, result in enumerate(results):
        assert torch.equal(result["rows"], everything)
        # Every process computed the same loss, so an owner's gradient is summed three times.
        assert torch.equal(result["gradient"], 3 * expected[rank])
        assert result["empty"].tolist() == [2 + 3 + 4, 0]
        assert result["numbers"].tolist() == [0, 0, 1, 0, 1, 2]


def test_a_single_process_answers_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with started_processes() as processes:
        assert processes.is_first
        assert processes.count == 1
        rows = torch.ones(2, 3, requires_grad=True)
        assert gather_with_gradient(rows) is rows
        assert to_first(rows) == [rows]


@pytest.mark.parametrize("by_torchrun", [True, False])
def test_a_single_process_ends_with_the_torchrun_that_may_start_it_again(
    monkeypatch: pytest.MonkeyPatch, by_torchrun: bool
) -> None:
    calls = []
    monkeypatch.setattr("engine.distributed.end_with_parent", lambda: calls.append(True))
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if by_torchrun:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    with started_processes() as processes:
        assert processes.count == 1
    assert bool(calls) == by_torchrun


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match=r"NPROC: more processes on this machine than its 2 GPU"), started_processes():
        pass


def unconnected(patch: pytest.MonkeyPatch, **variables: int | str) -> Processes:
    for name in ("PET_NNODES", "PET_NODE_RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        patch.delenv(name, raising=False)
    for name, value in variables.items():
        patch.setenv(name, str(value))
    patch.setattr("engine.distributed.end_with_parent", lambda: None)
    with started_processes(connected=False) as processes:
        assert not dist.is_initialized()
        return processes


def test_unconnected_processes_of_machines_share_all_work_whatever_number_each_machine_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert unconnected(monkeypatch) == Processes(0, 1, torch.device("cpu"))
    done = []
    for machine, num_processes in enumerate((2, 1, 4)):
        for local_rank in range(num_processes):
            processes = unconnected(
                monkeypatch,
                PET_NNODES=3, PET_NODE_RANK=machine, LOCAL_RANK=local_rank, LOCAL_WORLD_SIZE=num_processes,
            )  # fmt: skip
            assert processes.is_first == (machine == local_rank == 0)
            done += [number for number in range(100) if number % processes.count == processes.rank]
    assert sorted(done) == list(range(100))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"PET_NNODES": "1:4", "PET_NODE_RANK": 0}, "PET_NNODES should be the number of machines"),
        ({"PET_NNODES": "0", "PET_NODE_RANK": 0}, "PET_NNODES should be the number of machines"),
        ({"PET_NNODES": 2}, "PET_NODE_RANK should be the number of this machine, 0 to 1, not ''"),
        ({"PET_NNODES": 2, "PET_NODE_RANK": 2}, "0 to 1, not '2'"),
    ],
)
def test_variables_that_give_an_unconnected_process_no_place_are_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, int | str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        unconnected(monkeypatch, **variables)
