import os
import time
from pathlib import Path

import pytest

from tests.tools.preparation.audit.clean_data import noise_picture
from tools.preparation.audit import image_reading
from tools.preparation.audit.image_file import ImageFacts, ImageTask, read_facts
from tools.preparation.audit.image_reading import read_images


def fragile(task: ImageTask) -> ImageFacts:
    if task.name == "kills":
        os.kill(os.getpid(), 9)
    if task.name == "hangs":
        time.sleep(60)
    return read_facts(task)


def test_each_image_is_read_once_whatever_becomes_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_reading, "read_facts", fragile)
    noise_picture(0, 40, 30).save(tmp_path / "a.png")
    folder = str(tmp_path)
    names = [(folder, name) for name in ("a.png", "kills", "hangs", "missing", "a.png")]
    images = read_images(names, 16, False, processes=2, time_limit=1.0)
    assert {name: facts.fault for (_, name), facts in images.items()} == {
        "a.png": "", "kills": "image-broken", "hangs": "image-broken", "missing": "image-missing",
    }  # fmt: skip
    assert images[folder, "kills"].reason == "cannot be decoded: ended its process: signal SIGKILL"
    assert "took longer than 1 s" in images[folder, "hangs"].reason


def test_no_images_start_no_process() -> None:
    assert read_images([], 16, False, processes=2, time_limit=1.0) == {}
