from pathlib import Path

from tools.views.reporting.report_data import MOST_POINTS, read_course


def test_every_figure_has_its_curve_and_broken_lines_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2, "f1": 0.5}\n{"loss": 9}\n{"step": 3, "lo')
    course = read_course(file)
    assert course.curve("loss") == ((1, 2.5), (2, 2))
    assert course.curve("f1") == ((2, 0.5),)
    assert course.curve("gradient_norm") == ()


def test_without_the_file_there_are_no_curves(tmp_path: Path) -> None:
    assert read_course(tmp_path / "metrics.jsonl").curves == {}


def test_a_long_curve_is_thinned_and_keeps_its_last_point(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text("".join(f'{{"step": {step}, "loss": {step}}}\n' for step in range(2501)))
    curve = read_course(file).curve("loss")
    assert MOST_POINTS / 2 < len(curve) <= MOST_POINTS
    assert curve[-1] == (2500, 2500)
