from itertools import chain
from pathlib import Path

import pytest

from benchmarks.speed import decoding
from benchmarks.speed.decoding import BATCH, store_timings
from tests.tools.preparation.audit.clean_data import noise_picture

NUM_PICTURES = 5


def test_every_way_is_measured_warm_and_cold_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(NUM_PICTURES):
        noise_picture(number, 20, 20).save(folder / f"{number}.jpg")
    asked: list[list[int]] = []

    def seconds(items: object, batches: list[list[int]]) -> float:
        asked.extend(batches)
        return float(len(asked))

    monkeypatch.setattr(decoding, "_seconds", seconds)
    monkeypatch.setattr(decoding, "BATCH", 2)
    found = store_timings(folder, 16, 2, 0)
    # Each reading is of three batches, so each ends three batches after the one before.
    assert {way: (timings.cold.seconds, timings.warm.seconds) for way, timings in found.items()} == {
        "folder": ((3, 21), (6, 24)),
        "files": ((9, 27), (12, 30)),
        "pixels": ((15, 33), (18, 36)),
    }
    assert found["pixels"].num_bytes >= NUM_PICTURES * 16 * 16 * 3
    rounds = [asked[start : start + 3] for start in range(0, len(asked), 3)]
    assert all(sorted(chain.from_iterable(batches)) == [*range(NUM_PICTURES)] for batches in rounds)
    assert rounds[0] == rounds[5] != rounds[6]


def test_real_readings_take_time(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    noise_picture(0, 20, 20).save(folder / "a.jpg")
    assert BATCH > 1
    for timings in store_timings(folder, 16, 1, 0).values():
        assert 0 < timings.cold.median < 10
        assert 0 < timings.warm.median < 10
