import pytest
from pydantic import TypeAdapter, ValidationError

from engine.options import AnyScheduleOptions, PredictOptions, ScheduleOptions

schedule: TypeAdapter[ScheduleOptions] = TypeAdapter(AnyScheduleOptions)


def test_one_period_needs_no_restart_weights() -> None:
    schedule.validate_python({"name": "cosine_restarts", "periods": (100,)})


def test_milestones_need_no_restarts() -> None:
    schedule.validate_python({"name": "multi_step_restarts", "milestones": (10, 20, 20)})


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            {"name": "cosine_restarts", "periods": (5, 5)},
            "one number for each of the 2 periods, it has 1",
        ),
        (
            {"name": "multi_step_restarts", "milestones": (3,), "restarts": (5,)},
            "one number for each of the 1 restarts, it has 0",
        ),
        (
            {"name": "multi_step_restarts", "milestones": (3,), "restart_weights": (1.0,)},
            "one number for each of the 0 restarts, it has 1",
        ),
        (
            {
                "name": "multi_step_restarts",
                "milestones": (3,),
                "restarts": (9, 5),
                "restart_weights": (1.0, 1.0),
            },
            r"restarts must ascend, each step once, but are \[9, 5\]",
        ),
        (
            {
                "name": "multi_step_restarts",
                "milestones": (3,),
                "restarts": (5, 5),
                "restart_weights": (1.0, 0.5),
            },
            r"restarts must ascend, each step once, but are \[5, 5\]",
        ),
    ],
)
def test_schedules_that_contradict_themselves_are_refused(fault: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        schedule.validate_python(fault)


def test_an_empty_output_is_no_file() -> None:
    with pytest.raises(ValidationError, match="should be a path, not empty text"):
        PredictOptions.model_validate_json('{"output": ""}')
