from tests.endurance.trial import TrialResult, format_table


def result(passed: int, **more: object) -> TrialResult:
    return TrialResult("kills", "killed", 2, passed, "a figure", 3.4, **more)  # type: ignore[arg-type]


def test_a_trial_fails_by_what_did_not_pass_or_by_a_fault_but_not_if_skipped() -> None:
    assert not result(2).has_failed
    assert result(1).has_failed
    assert result(2, faults=("lost a line",)).has_failed
    assert not result(0, was_skipped=True).has_failed


def test_the_table_is_aligned_and_faults_follow_it() -> None:
    table = format_table([result(2), result(1, faults=("lost a line",)), result(0, was_skipped=True)])
    lines = table.splitlines()
    assert lines[0].split() == ["trial", "what", "was", "done", "count", "passed", "figure", "seconds"]
    assert len({line.index("a figure") for line in lines[2:5]}) == 1
    assert "skipped" in lines[4]
    assert lines[-1] == "kills: lost a line"
