"""The base of every section of an option file."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """A checked, unchangeable section of an option file.

    Types are strict, unknown keys and non-finite numbers are refused, and the docstring below each
    attribute is its meaning in the generated reference.
    """

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
    )
