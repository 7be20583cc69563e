import os
import platform
import subprocess
import sys

import pytest

from engine.allocation import KEEPING, keep_freed_memory

PROGRAM = """
import resource
for _ in range(20):
    bytearray(1 << 26)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults() -> int:
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    return int(answer.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have settings of their own")
def test_large_blocks_are_cleared_by_the_system_once_and_not_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEEPING:
        monkeypatch.setenv(name, "0")  # so that it is as before after the test
        monkeypatch.delenv(name)
    before = page_faults()
    keep_freed_memory()
    assert page_faults() < before / 4


def test_settings_of_the_user_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEEPING:
        monkeypatch.setenv(name, "7")
    keep_freed_memory()
    assert {os.environ[name] for name in KEEPING} == {"7"}
