import json
from importlib.metadata import version

import torch

from engine.distributed import Processes
from engine.environment import environment


def test_the_versions_the_machine_and_the_processes_are_recorded() -> None:
    record = environment(Processes(rank=0, count=3, device=torch.device("cpu")))
    assert json.loads(json.dumps(record)) == record
    assert record["processes"] == 3
    packages = record["packages"]
    assert isinstance(packages, dict)
    assert packages["timm"] == version("timm")
    assert packages["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert record["device"]
    assert record["cores"]
