import subprocess
import sys

from tests.endurance.peak_memory import peak_bytes


def test_the_peak_is_that_of_the_process_itself_and_stays() -> None:
    ballast = b"\1" * 300_000_000
    assert peak_bytes() > len(ballast)
    program = """
from tests.endurance.peak_memory import peak_bytes
first = peak_bytes()
ballast = b"\\1" * 100_000_000
del ballast
print(first, peak_bytes())
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = map(int, run.stdout.split())
    assert first < 50_000_000
    assert second > 95_000_000
