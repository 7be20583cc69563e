import argparse

import pytest

from scripts.searching_arguments import threshold


@pytest.mark.parametrize(("text", "expected"), [("calibrated", "calibrated"), ("learned", "learned"), ("-1.5", -1.5)])
def test_a_threshold_is_a_rule_of_the_checkpoint_or_a_number(text: str, expected: float | str) -> None:
    assert threshold(text) == expected


@pytest.mark.parametrize("text", ["high", "nan", "inf", "-inf", ""])
def test_what_no_margin_can_be_compared_with_is_no_threshold(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="neither calibrated nor learned nor a finite number"):
        threshold(text)
