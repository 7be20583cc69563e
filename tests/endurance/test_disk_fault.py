from pathlib import Path

import pytest

from tests.endurance.disk_fault import Ending

GOOD = "step 5/60\nerror: experiments/demo/checkpoints: cannot be written: No space left on device\n"
PATH = Path("experiments/demo")


def test_a_message_that_names_the_path_with_status_2_is_right() -> None:
    assert Ending(2, GOOD).faults(PATH) == []


@pytest.mark.parametrize(
    ("ending", "fault"),
    [
        (Ending(1, GOOD), "exit status 1"),
        (Ending(2, "Traceback (most recent call last):\n" + GOOD), "traceback"),
        (Ending(2, "killed"), "'error: '"),
        (Ending(2, "error: no space"), "names experiments/demo"),
    ],
)
def test_any_other_ending_is_a_fault(ending: Ending, fault: str) -> None:
    assert any(fault in found for found in ending.faults(PATH))
