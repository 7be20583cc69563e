import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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
