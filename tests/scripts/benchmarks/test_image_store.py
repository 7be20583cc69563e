from itertools import chain
from pathlib import Path

import pytest

from scripts.benchmarks import image_store
from scripts.benchmarks.image_store import measure_image_stores
from tests.scripts.audit.clean_data import noise_picture


def test_every_way_is_measured_warm_and_cold_and_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(5):
        noise_picture(number, 20, 20).save(folder / f"{number}.jpg")
    asked: list[list[int]] = []

    def seconds(items: object, batches: list[list[int]]) -> float:
        asked.extend(batches)
        return float(len(asked))

    monkeypatch.setattr(image_store, "_seconds", seconds)
    speeds = measure_image_stores(folder, size=16, batch_size=2, rounds=3)
    assert [speed.way for speed in speeds] == ["folder", "pack jpeg", "pack pixels"]
    # Each reading is of three batches, so the second round's end after 3, 6, ... 18 batches more than the first's.
    assert [(5 / speed.cold, 5 / speed.warm) for speed in speeds] == [
        pytest.approx(pair) for pair in ((21, 24), (27, 30), (33, 36))
    ]
    assert speeds[2].megabytes * 1e6 >= 5 * 16 * 16 * 3
    rounds = [asked[start : start + 3] for start in range(0, len(asked), 3)]
    assert all(sorted(chain.from_iterable(batches)) == [0, 1, 2, 3, 4] for batches in rounds)
    assert rounds[0] == rounds[5] != rounds[6]
    assert [file.name for file in tmp_path.iterdir()] == ["images"]


def test_real_readings_take_time(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    noise_picture(0, 20, 20).save(folder / "a.jpg")
    assert all(0 < speed.cold < 1e6 and 0 < speed.warm < 1e6 for speed in measure_image_stores(
        folder, size=16, batch_size=2, rounds=1
    ))  # fmt: skip
