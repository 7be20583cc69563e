import errno
from pathlib import Path

import pytest
from safetensors import SafetensorError

from engine.disk import writing
from options.errors import UserError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "I/O error: No space left"),
    ],
)
def test_a_fault_of_the_disk_names_the_file_and_the_reason(error: Exception, reason: str) -> None:
    with pytest.raises(UserError) as caught, writing(Path("runs/a.json")):
        raise error
    assert f"runs/a.json: cannot be written: {reason}" in str(caught.value)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(ZeroDivisionError), writing(Path("a")):
        raise ZeroDivisionError
