import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, time
import torch
from torch.utils.data import DataLoader
from data.loader_process import obey_the_parent_alone

class Numbers(torch.utils.data.Dataset):
    def __len__(self):
        return 10**6

    def __getitem__(self, number):
        time.sleep(0.01)
        return number

numbers = iter(DataLoader(Numbers(), batch_size=None, num_workers=1, worker_init_fn=obey_the_parent_alone))
next(numbers)
print("worker", numbers._workers[0].pid, flush=True)
sys.stdin.readline()
for _ in range(50):
    next(numbers)
print("went on", flush=True)
raise ZeroDivisionError
"""


def test_a_loader_process_ignores_the_users_signals_and_ends_with_a_parent_that_fails() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    worker = int(process.stdout.readline().split()[1])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
        os.kill(worker, number)
        time.sleep(0.05)
    started = time.monotonic()
    stdout, stderr = process.communicate("go on\n", timeout=30)
    assert stdout == "went on\n"
    assert stderr.count("Traceback") == 1
    assert "ZeroDivisionError" in stderr
    assert time.monotonic() - started < 10
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have no such call")
def test_freed_memory_is_given_back_before_a_fork() -> None:
    program = """
import resource
from data.loader_process import give_back_freed_memory
def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
blocks = [b"x" * (1 << 20) for _ in range(200)]
last = b"x" * (1 << 20)  # which lies above the freed ones
del blocks
before = resident()
give_back_freed_memory()
print(before - resident())
"""
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    assert int(answer.stdout) > 100 << 20
