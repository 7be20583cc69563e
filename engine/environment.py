"""What a run ran on."""

import os
import platform
from importlib.metadata import version

import torch

from engine.distributed import Processes

PACKAGES = ("torch", "torchvision", "transformers", "timm", "numpy", "pillow", "safetensors", "pydantic")


def environment(processes: Processes) -> dict[str, object]:
    """Return versions, machine and processes, for the run folder."""
    on_gpu = processes.device.type == "cuda"
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(processes.device) if on_gpu else platform.processor() or "cpu",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": processes.count,
    }
