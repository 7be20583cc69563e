from dataclasses import replace

from tools.views.explaining.parts import Effect, Explanation, Part, Verdict
from tools.views.explaining.table import explanation_lines

EXPLANATION = Explanation(
    verdict=Verdict(match=3.0, threshold=2.0, decision_threshold=0.5),
    effects=(
        Effect(Part("source", "word", "瓶", (4, 5)), 0.9, -0.1),
        Effect(Part("target", "region", "row 1, column 2", (0, 1)), 0.25, -0.75),
        Effect(Part("target", "attribute", "品牌"), 1.2, 0.2),
    ),
    grid=2,
    num_words_left=3,
)


def test_the_strongest_come_first_and_those_that_turn_the_decision_are_pointed_out() -> None:
    lines = explanation_lines(EXPLANATION, 2)
    assert lines[0] == ("the same product: margin 1.0000 (match 3.0000 - own threshold 2.0000) is above 0.5000")
    rows = lines[4:6]
    assert rows[0].split() == [
        "1", "target", "region", "row", "1,", "column", "2", "0.2500", "-0.7500", "turns", "the", "decision",
    ]  # fmt: skip
    assert rows[1].split() == ["2", "target", "attribute", "品牌", "1.2000", "+0.2000"]
    assert lines[6:] == [
        "1 more change less (--rows)",
        "3 words at the ends of the titles were not tried (--words)",
    ]


def test_a_word_has_its_place_and_stays_on_its_line() -> None:
    part = Part("source", "word", "a\u202eb\nc", (0, 5))
    lines = explanation_lines(replace(EXPLANATION, effects=(Effect(part, 0.0, -1.0),)), 5)
    assert "a\\u202eb\\nc (character 1)" in lines[4]


def test_nothing_to_leave_out_is_said() -> None:
    assert "nothing to leave out" in explanation_lines(replace(EXPLANATION, effects=()), 5)[-1]
