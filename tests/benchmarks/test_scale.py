import math
from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.scale import Layout, UnitCosts, estimate, markdown_table
from tools.catalogue.index_plan import num_lists

COSTS = UnitCosts(
    width=100, item_operations=2e12, gpu_operations=1e14, gpu_utilisation=0.5, cpu_seconds_an_item=3.6,
    image_bytes=1000.0, decoding_seconds=0.0036, exact_numbers=1e6, list_items=1e5, list_codes=1e6, list_share=0.125,
    item_file_memory=10.0,
)  # fmt: skip


def test_a_catalogue_of_ten_thousand_by_hand() -> None:
    found = estimate(Layout(10_000, "ivf_sq8", 1), COSTS)
    assert found.gpu_hours == pytest.approx(10_000 / 25 / 3600)  # 0.5 x 1e14 / 2e12 = 25 items/s
    assert found.cpu_hours == pytest.approx(10.0)
    assert found.decoding_core_hours == pytest.approx(0.01)
    assert (found.images_bytes, found.embeddings_bytes, found.item_file_bytes) == (10_000_000, 2_000_000, 100_000)
    assert found.lists == 256  # the power of two nearest to 200
    assert found.shard_bytes == 10_000 * 108 + 256 * 400
    assert found.build_core_hours == pytest.approx((10 * 10_000 * 256 + 10_000 * 256) * 100 / 1e6 / 3600)
    assert found.query_core_seconds == pytest.approx(256 * 100 / 1e6 + 10_000 * 0.125 / 1e5)
    assert found.pairs_core_hours == pytest.approx(10_000 * found.query_core_seconds / 3600)


def test_shards_part_the_memory_and_add_up_in_work() -> None:
    whole, parts = (estimate(Layout(80_000, "ivf_pq", shards), COSTS) for shards in (1, 8))
    one = estimate(Layout(10_000, "ivf_pq", 1), COSTS)
    assert parts.shard_bytes == one.shard_bytes < whole.shard_bytes
    assert parts.query_core_seconds == pytest.approx(8 * one.query_core_seconds)
    assert parts.build_core_hours == pytest.approx(8 * one.build_core_hours)
    assert parts.gpu_hours == whole.gpu_hours


@pytest.mark.parametrize("num_items", [10**6, 10**8])
def test_lists_are_about_twice_the_root_of_the_items(num_items: int) -> None:
    assert num_lists(num_items) == pytest.approx(2 * math.sqrt(num_items), rel=0.42)


ROOT = Path(__file__).resolve().parents[2]


def test_the_page_has_the_table_that_the_script_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["scale.py"])
    scale.main()
    assert capsys.readouterr().out in (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def test_a_faster_gpu_takes_less_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["scale.py", "--gpu-operations", "624e12"])
    scale.main()
    assert "| 0.591 | 59.1 | 591 |" in capsys.readouterr().out


def test_every_line_has_a_cell_for_every_size() -> None:
    table = markdown_table([estimate(Layout(10**6, "ivf_fp16", 1), UnitCosts())] * 2)
    assert {line.count("|") for line in table.splitlines()} == {4}
    assert "| memory of each | 2.06 GB | 2.06 GB |" in table
