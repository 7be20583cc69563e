from functools import partial
from pathlib import Path

import pytest

from benchmarks.speed.catalogue import NUM_WORKERS, ON_LINUX, catalogue_figures, write_invented_items
from benchmarks.speed.sides import in_own_process


@pytest.mark.skipif(not ON_LINUX, reason="Linux alone tells which memory is shared")
def test_a_catalogue_takes_less_memory_than_its_file_and_forked_processes_share_it(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    write_invented_items(file, 30_000)
    size = file.stat().st_size
    assert 250 < size / 30_000 < 350
    figures = in_own_process(partial(catalogue_figures, file), 1, "catalogue")
    assert 0 < figures.resident_growth <= figures.peak_growth
    assert figures.peak_growth < 1.2 * size
    # The interpreter's own, whatever the number of items; a copy of what a process reads would be 4 million bytes.
    assert len(figures.private_growth) == NUM_WORKERS
    assert max(figures.private_growth) < 2_000_000
