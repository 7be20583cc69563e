import random
from collections import Counter

from tests.endurance.kill_moment import plan_kills


def test_kills_fall_in_order_and_a_third_of_them_at_saves_and_evaluations() -> None:
    moments = plan_kills(60, 1, random.Random(0))
    assert [moment.position for moment in moments] == sorted(moment.position for moment in moments)
    assert Counter(moment.aim for moment in moments) == {"random": 40, "save": 10, "evaluation": 10}
    assert {moment.victim for moment in moments} == {"all"}


def test_of_several_processes_half_the_kills_hit_all_and_the_others_one() -> None:
    moments = plan_kills(60, 2, random.Random(0))
    assert Counter(moment.victim for moment in moments) == {"all": 30, "launcher": 15, "rank": 15}


def test_equal_seeds_plan_equal_kills() -> None:
    assert plan_kills(9, 2, random.Random("7")) == plan_kills(9, 2, random.Random("7"))
    assert plan_kills(9, 2, random.Random("7")) != plan_kills(9, 2, random.Random("8"))
