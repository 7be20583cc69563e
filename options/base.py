"""The base of every section of an option file."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _not_empty(path: object) -> object:
    if path == "":
        raise ValueError("should be a path, not empty text, which would mean the current folder")
    return path


BASE = "base"
"""The key of an option file that names the file over which it is laid."""
NamedPath = Annotated[Path, BeforeValidator(_not_empty)]
"""A path that is not empty text."""


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
