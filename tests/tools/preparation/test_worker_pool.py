import os
import signal
import time

import pytest

from tools.preparation.worker_pool import WorkerFailure, run_isolated


def misbehave(task: str) -> str:
    if task == "segmentation fault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if task == "exit":
        os._exit(3)
    if task == "hang":
        time.sleep(60)
    if task == "exception":
        raise KeyError(task)
    return task.upper()


def test_a_crash_costs_its_own_task_alone() -> None:
    tasks = ["a", "segmentation fault", "b", "exit", "exception", *map(str, range(40))]
    answers = dict(run_isolated(misbehave, tasks, processes=3))
    assert set(answers) == set(tasks)
    failed = {task: answer.reason for task, answer in answers.items() if isinstance(answer, WorkerFailure)}
    assert failed == {
        "segmentation fault": "ended its process: signal SIGSEGV",
        "exit": "ended its process: exit status 3",
        "exception": "ended its process: exit status 1",
    }
    assert all(answers[task] == task.upper() for task in tasks if task not in failed)


def test_a_task_that_hangs_is_given_up_after_the_time_limit() -> None:
    answers = dict(run_isolated(misbehave, ["hang", "a", "b"], processes=1, time_limit=0.5))
    assert answers == {"hang": WorkerFailure("took longer than 0.5 s"), "a": "A", "b": "B"}


@pytest.mark.parametrize("processes", [1, 4])
def test_no_tasks_give_no_answers(processes: int) -> None:
    assert list(run_isolated(misbehave, [], processes=processes)) == []
