"""What a benchmark ran on."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from engine.environment import PACKAGES


def machine(threads: int) -> dict[str, str]:
    """Return the machine and the versions of what matters for speed."""
    return {
        "processor": processor_name(),
        "cores": str(os.cpu_count()),
        "threads": str(threads),
        "memory": memory(),
        "system": platform.platform(),
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def processor_name(cpu_info: Path = Path("/proc/cpuinfo")) -> str:
    """Return the model of the processor, as far as the system tells."""
    if cpu_info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", cpu_info.read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def memory() -> str:
    """Return how much memory there is."""
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
