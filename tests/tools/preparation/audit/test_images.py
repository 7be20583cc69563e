import os
import time
from pathlib import Path

import pytest

from tests.tools.preparation.audit.clean_data import noise_picture
from tools.preparation.audit import images as audited_images
from tools.preparation.audit.finding import Severity
from tools.preparation.audit.image_file import ImageFacts, ImageTask, read_facts
from tools.preparation.audit.images import SUFFIXES, image_remarks, read_images


def fragile(task: ImageTask) -> ImageFacts:
    if task.name == "kills":
        os.kill(os.getpid(), 9)
    if task.name == "hangs":
        time.sleep(60)
    return read_facts(task)


def test_each_image_is_read_once_whatever_becomes_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audited_images, "read_facts", fragile)
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


def kinds(file: str = "a.jpg", image_format: str = "JPEG", width: int = 100, height: int = 100) -> list[str]:
    facts = ImageFacts(file, b"digest", 1, image_format, "RGB", width, height)
    return [kind for kind, *_ in image_remarks(facts, Severity.FAULT)]


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (16, 16, []),
        (15, 16, ["image-tiny"]),
        (16, 128, []),
        (129, 16, ["image-narrow"]),
        (4, 40, ["image-tiny", "image-narrow"]),
        (5000, 4000, []),
        (5000, 4001, ["image-large"]),
    ],
)
def test_the_bounds_of_an_extent_are_still_ordinary(width: int, height: int, expected: list[str]) -> None:
    assert kinds(width=width, height=height) == expected


@pytest.mark.parametrize(("image_format", "suffixes"), SUFFIXES.items())
def test_suffixes_of_a_format_fit_in_any_case_of_letters(image_format: str, suffixes: tuple[str, ...]) -> None:
    for suffix in suffixes:
        assert kinds(f"a{suffix.upper()}", image_format) == []
    assert kinds("a.SS2", image_format) == kinds("a", image_format) == ["image-suffix"]


def test_an_unreadable_image_is_that_alone() -> None:
    facts = ImageFacts("a.tif", fault="image-broken", reason="is empty")
    assert list(image_remarks(facts, Severity.WARNING)) == [("image-broken", Severity.WARNING, "is empty")]
