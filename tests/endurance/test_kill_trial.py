import pytest

from tests.endurance.kill_trial import shares


@pytest.mark.parametrize("count", [1, 4, 12, 100])
def test_kills_are_shared_evenly_by_the_runs(count: int) -> None:
    kills = [share for _, share in shares(count)]
    assert sum(kills) == count
    assert max(kills) - min(kills) <= 1


def test_the_first_five_kills_are_of_all_five_kinds() -> None:
    assert len({run.kind for run, _ in shares(5)}) == 5
