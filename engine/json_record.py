"""Records of ours in JSON files."""

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from options.errors import UserError
from options.fault import dotted

T = TypeVar("T")


def read_json(file: Path, kind: type[T], advice: str) -> T | None:
    """Read a record from a file, None where there is no file; raises UserError with the advice for a damaged one."""
    try:
        record: T = TypeAdapter(kind).validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        raise UserError(f"{file}: is damaged: {dotted(fault['loc'])} {fault['msg']}; {advice}") from error
    return record
