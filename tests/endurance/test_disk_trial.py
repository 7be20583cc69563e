import pytest

from tests.endurance import disk_trial


@pytest.mark.parametrize(("refusals", "forbidden"), [(0, True), (3, True), (1000, False)])
def test_writing_is_forbidden_once_killed_processes_let_go_of_their_files(refusals: int, forbidden: bool) -> None:
    answers = iter([False] * refusals + [True])
    assert disk_trial._forbidden_in_time(lambda: next(answers), seconds=0.3) == forbidden
