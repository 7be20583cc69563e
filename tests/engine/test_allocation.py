import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from engine.allocation import KEEPING

ROOT = Path(__file__).parents[2]

COUNTED = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    bytearray(1 << 26)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

KEPT = "from engine.allocation import keep_freed_memory\nkeep_freed_memory()\n" + COUNTED

IN_A_RUN = f"from engine.distributed import started_processes\nwith started_processes():\n    exec({COUNTED!r})"

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have settings of their own")


def page_faults(program: str, **settings: str) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in KEEPING} | settings
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT)
    return int(answer.stdout)


@glibc
@pytest.mark.parametrize("program", [KEPT, IN_A_RUN])
def test_large_blocks_are_cleared_by_the_system_once_and_not_each_time(program: str) -> None:
    assert page_faults(program) < page_faults(COUNTED) / 4


@glibc
def test_settings_of_the_user_stay() -> None:
    of_the_user = {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
    assert page_faults(KEPT, **of_the_user) > page_faults(KEPT) * 4
