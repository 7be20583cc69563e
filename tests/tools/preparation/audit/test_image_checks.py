import pytest

from tools.preparation.audit.finding import Severity
from tools.preparation.audit.image_checks import SUFFIXES, image_remarks
from tools.preparation.audit.image_file import ImageFacts


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
