import argparse

import pytest

from scripts.arguments import aligned, at_least_one, finite_number, positive_number, seed_number


def test_names_stand_left_and_values_right() -> None:
    assert aligned({"a": 1234, "longer": 0.5}) == "a        1,234\nlonger  0.5000"


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5"])
def test_no_whole_number_of_at_least_one_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        at_least_one(text)


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "2147483648"])
def test_no_seed_is_refused(text: str) -> None:
    assert [seed_number(seed) for seed in ("0", "2147483647")] == [0, 2147483647]
    with pytest.raises(argparse.ArgumentTypeError):
        seed_number(text)


@pytest.mark.parametrize("text", ["0", "-1", "x", "inf", "nan"])
def test_no_positive_number_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        positive_number(text)


@pytest.mark.parametrize("text", ["x", "inf", "-inf", "nan"])
def test_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        finite_number(text)
