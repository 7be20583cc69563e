import argparse
from collections.abc import Callable

import pytest

from benchmarks.arguments import at_least_one, positive_number, seed_number


@pytest.mark.parametrize(
    ("parse", "good", "bad"),
    [
        (at_least_one, ["1", "20"], ["0", "-1", "x", "1.5"]),
        (seed_number, ["0", "2147483647"], ["-1", "x", "1.5", "2147483648"]),
        (positive_number, ["1", "0.5"], ["0", "-1", "x", "inf", "nan"]),
    ],
)
def test_numbers_out_of_bounds_are_refused(parse: Callable[[str], float], good: list[str], bad: list[str]) -> None:
    assert [parse(text) for text in good] == [float(text) for text in good]
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match=text):
            parse(text)
