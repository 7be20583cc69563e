import math
from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from options.base import Options


class Inner(Options):
    """A section."""

    rate: float = 0.5
    """How fast."""


class Outer(Options):
    """A whole."""

    count: int
    """How many."""
    inner: Inner = Inner()
    """A section inside."""
    rates: tuple[float, ...] = ()
    """Several."""
    folder: Path = Path("a")
    """Where."""


def test_values_of_the_right_types_are_taken() -> None:
    options = Outer.model_validate({"count": 3, "inner": {"rate": 1}, "rates": (0.5,)})
    assert (options.count, options.inner.rate, options.rates, options.folder) == (3, 1.0, (0.5,), Path("a"))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, "missing"),
        ({"count": "3"}, "int_type"),
        ({"count": 3.0}, "int_type"),
        ({"count": True}, "int_type"),
        ({"count": None}, "int_type"),
        ({"count": 3, "inner": {"rate": "0.5"}}, "float_type"),
        ({"count": 3, "rates": (0.5, False)}, "float_type"),
        ({"count": 3, "cuont": 3}, "extra_forbidden"),
        ({"count": 3, "inner": {"rats": 0.1}}, "extra_forbidden"),
    ],
)
def test_other_types_and_unknown_keys_are_refused(values: dict[str, object], kind: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Outer.model_validate(values)
    assert [fault["type"] for fault in refused.value.errors()] == [kind]


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    for values in ({"count": 1, "inner": {"rate": number}}, {"count": 1, "rates": (number,)}):
        with pytest.raises(ValidationError, match="finite"):
            Outer.model_validate(values)


def test_options_and_their_sections_are_frozen() -> None:
    options = Outer(count=3)
    with pytest.raises(ValidationError, match="frozen"):
        options.count = 4
    with pytest.raises(ValidationError, match="frozen"):
        options.inner.rate = 4.0
    assert hash(options) == hash(Outer(count=3))


def test_defaults_are_checked_too() -> None:
    class Wrong(Options):
        """A section whose default breaks its own rule."""

        share: float = Field(default=2.0, le=1)
        """A share."""

    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Wrong()


def test_docstrings_are_the_descriptions() -> None:
    assert Outer.model_fields["inner"].description == "A section inside."
