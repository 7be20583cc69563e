from typing import Annotated, Literal

from pydantic import Field

from engine.experiment import ExperimentOptions
from options.base import Options
from options.reference import OptionDescription, describe, reference_markdown


class Extra(Options):
    """Something extra."""

    weight: float = 1.0
    """Its weight."""


class Plain(Options):
    """A plain loss."""

    name: Literal["plain"]
    """Kind."""
    extra: Extra | None = None
    """More."""


class Rich(Options):
    """A rich loss."""

    name: Literal["rich"]
    """Kind."""
    extra: Extra | None = None
    """More."""


class Root(Options):
    """The root."""

    loss: Annotated[Plain | Rich, Field(discriminator="name")] = Rich(name="rich")
    """The loss."""
    first: Extra = Extra()
    """Something extra."""
    second: Extra = Extra()
    """Another."""
    pattern: str = Field(default="a|b", pattern="^[a|b]*$")
    """Text of
    two lines."""


def test_every_option_is_described_once_for_each_variant() -> None:
    descriptions = describe(Root)
    assert [(option.path, option.variant) for option in descriptions] == [
        ("loss", ""),
        ("first", ""),
        ("second", ""),
        ("pattern", ""),
        ("loss.name", "name: plain"),
        ("loss.extra", "name: plain"),
        ("loss.name", "name: rich"),
        ("loss.extra", "name: rich"),
        ("loss.extra.weight", ""),
        ("first.weight", ""),
        ("second.weight", ""),
    ]
    assert descriptions[0] == OptionDescription(
        "loss", "a section with name plain or rich", "name: rich", "The loss.", ""
    )
    assert [option.default for option in descriptions[1:6]] == ["its own defaults"] * 2 + [
        "a|b",
        "required",
        "null",
    ]
    assert descriptions[1].meaning == "Something extra."
    assert descriptions[3].meaning == "Text of two lines."


def test_page_has_a_table_for_each_section_and_variant() -> None:
    page = reference_markdown(Root)
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == [
        "# Options",
        "## loss",
        "### loss with `name: plain`",
        "### loss with `name: rich`",
        "## loss.extra, first, second",
    ]
    assert "| `weight` | number | `1.0` | Its weight. |" in page


def test_cells_keep_the_table_whole() -> None:
    page = reference_markdown(Root)
    (row,) = [line for line in page.splitlines() if line.startswith("| `pattern`")]
    assert row.replace(r"\|", "").count("|") == 5


def test_every_option_of_the_experiment_has_a_meaning() -> None:
    assert [option.path for option in describe(ExperimentOptions) if not option.meaning] == []
