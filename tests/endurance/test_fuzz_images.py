import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from data.item_image import BadImageError
from tests.endurance import fuzz_images as module
from tests.endurance.fuzz_images import fuzz_images
from tests.endurance.image_mutations import mutated_image


def test_damaged_images_are_refused_or_read_as_what_they_hold(tmp_path: Path) -> None:
    report = fuzz_images(tmp_path, 600, seed=20_000)
    assert report.faults == ()
    assert report.num_images == 600 == sum(map(report.total, ("refused", "unchanged", "changed")))
    assert min(map(report.total, ("refused", "unchanged", "changed"))) > 30
    assert sum(report.counts["html"].values()) == report.counts["html"]["refused"] > 10
    assert 0 < report.peak_bytes < 2 * 10**9
    assert report.slowest_seconds < 5
    assert list(tmp_path.iterdir()) == []


def a_cut_seed() -> int:
    return next(seed for seed in range(1000) if mutated_image(seed).is_cut and mutated_image(seed).kind == "bmp")


@pytest.mark.parametrize(
    ("picture", "fault"),
    [
        (lambda file, size: np.zeros((size, size, 3), np.uint8), "cut off, and read as if nothing were missing"),
        (lambda file, size: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_reader_that_deceives_or_breaks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: object, fault: str
) -> None:
    monkeypatch.setattr(module, "read_image", picture)
    monkeypatch.setattr(module, "_policy_fault", lambda file, picture: "")
    assert fault in module._read_one(mutated_image(a_cut_seed()), tmp_path).fault


def test_a_policy_that_lets_a_refused_file_pass_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(file: Path, size: int) -> NDArray[np.uint8]:
        raise BadImageError(f"{file}: unreadable image")

    monkeypatch.setattr(module, "read_image", refused)
    seed = next(seed for seed in range(1000) if module._read_one(mutated_image(seed), tmp_path).fault)
    assert "on_bad_image=blank" in module._read_one(mutated_image(seed), tmp_path).fault


def end_or_hang(connection: module.Connection, folder: Path) -> None:
    """Answer as a reader whose C code crashes on odd seeds and hangs on seed 2."""
    connection.send("ready")
    while True:
        seed = connection.recv()
        if seed % 2:
            os._exit(139)
        if seed == 2:
            time.sleep(60)
        connection.send(module.Outcome("refused", "", 1))


def test_a_crash_and_a_hang_are_told_and_the_rest_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_answer", end_or_hang)
    monkeypatch.setattr(module, "TIME_LIMIT", 1.0)
    # Without the seconds that imports take.
    monkeypatch.setattr(module, "_context", lambda: multiprocessing.get_context("fork"))
    report = fuzz_images(tmp_path, 5, seed=0)
    assert report.total("refused") == 2
    assert [fault.rsplit(": ", 1)[1] for fault in report.faults] == [
        "ended the process with exit code 139",
        "took more than 1 seconds",
        "ended the process with exit code 139",
    ]
