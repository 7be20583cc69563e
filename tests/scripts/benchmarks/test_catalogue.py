import sys
from pathlib import Path

import pytest

from scripts.benchmarks.catalogue import NUM_WORKERS, measure_catalogue

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells which memory is shared")


def test_a_catalogue_takes_less_memory_than_its_file_and_forked_processes_share_it(tmp_path: Path) -> None:
    figures = measure_catalogue(tmp_path, 30_000)
    assert figures.num_items == 30_000
    assert 250 < figures.file_bytes / 30_000 < 350
    assert 0 < figures.resident_growth <= figures.peak_growth
    assert figures.peak_growth < 1.2 * figures.file_bytes
    # The interpreter's own, whatever the number of items; a copy of what a process reads would be 4 million bytes.
    assert len(figures.private_growth) == NUM_WORKERS
    assert max(figures.private_growth) < 2_000_000
    assert figures.items_per_second > 0
    assert not list(tmp_path.iterdir())
