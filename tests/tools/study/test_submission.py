import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from options.errors import UserError
from tests.command_line import run_command
from tools.study.submission import check_submission

SIMILARITY = """
def compute(item_emb_1, item_emb_2):
    print("printing does no harm")
    half = len(item_emb_1) // 2
    products = [a * b for a, b in zip(item_emb_1, item_emb_2)]
    return sum(products[half:]) - sum(products[:half])
"""
Record = dict[str, object]


def write_lines(path: Path, records: list[Record]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


class Submission:
    def __init__(self, folder: Path, width: int = 8) -> None:
        generator = np.random.default_rng(0)
        embeddings = {str(number): json.dumps(generator.normal(size=width).tolist()) for number in range(12)}
        ids = [tuple(map(str, pair)) for pair in generator.integers(0, 12, (40, 2)).tolist()]
        self.records: list[Record] = []
        pairs: list[Record] = []
        self.margins: list[float] = []
        for source, target in ids:
            self.records.append(
                {
                    "src_item_id": source,
                    "src_item_emb": embeddings[source],
                    "tgt_item_id": target,
                    "tgt_item_emb": embeddings[target],
                    "threshold": 0.25,
                }
            )
            first, second = (np.array(json.loads(embeddings[name])) for name in (source, target))
            half = width // 2
            self.margins.append(float(first[half:] @ second[half:] - first[:half] @ second[:half]))
            same = generator.random() < 0.4
            pairs.append({"src_item_id": source, "tgt_item_id": target, "item_label": "1" if same else "0"})
        self.labels = [pair["item_label"] == "1" for pair in pairs]
        self.predictions, self.pairs = folder / "predictions.jsonl", folder / "pairs.jsonl"
        write_lines(self.pairs, pairs)
        (folder / "similarity.py").write_text(SIMILARITY)
        self.write()

    def write(self) -> None:
        write_lines(self.predictions, self.records)


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    return Submission(tmp_path)


def test_a_sound_submission_passes_with_its_figures(submission: Submission) -> None:
    report = check_submission(submission.predictions, submission.pairs, labelled=True)
    decisions = [margin > 0.25 for margin in submission.margins]
    hits = sum(a and b for a, b in zip(decisions, submission.labels, strict=True))
    assert not report.faults
    assert report.num_lines == 40
    assert report.num_positives == sum(decisions)
    assert report.metrics is not None
    assert report.metrics.f1 == pytest.approx(2 * hits / (sum(decisions) + sum(submission.labels)))


def swap_two(records: list[Record]) -> None:
    records[3], records[4] = records[4], records[3]


def set_key(key: str, value: object) -> Callable[[list[Record]], None]:
    def change(records: list[Record]) -> None:
        records[7][key] = value

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (swap_two, "ids that are not"),
        (lambda records: records.pop(), "lines that the other file lacks"),
        (lambda records: records.append(dict(records[0])), "lines that the other file lacks"),
        (set_key("src_item_emb", [0.1, 0.2]), "no strings"),
        (set_key("src_item_emb", "[0.1, oops]"), "no JSON list"),
        (set_key("src_item_emb", "[true]"), "no JSON list"),
        (set_key("src_item_emb", "[NaN, 1, 1, 1, 1, 1, 1, 1]"), "not finite"),
        (set_key("src_item_emb", "[1e999, 1, 1, 1, 1, 1, 1, 1]"), "not finite"),
        (set_key("src_item_emb", json.dumps([0.0] * 1025)), "more than 1024"),
        (set_key("src_item_emb", "[]"), "with no or more"),
        (set_key("src_item_emb", "[1, 2]"), "different lengths"),
        (set_key("src_item_emb", json.dumps([0.5] * 8)), "more than one embedding"),
        (set_key("threshold", "0.25"), "thresholds"),
        (set_key("threshold", True), "thresholds"),
        (set_key("threshold", None), "thresholds"),
        (set_key("threshold", int("9" * 400)), "thresholds"),
        (set_key("threshold", -int("9" * 400)), "thresholds"),
        (set_key("src_item_emb", f"[{'9' * 400}, 1, 1, 1, 1, 1, 1, 1]"), "not finite"),
        (set_key("src_item_emb", f"[{'9' * 5000}, 1, 1, 1, 1, 1, 1, 1]"), "no JSON list"),
        (set_key("score", 1.0), "other keys"),
    ],
)
def test_each_fault_is_found(submission: Submission, change: Callable[[list[Record]], None], fault: str) -> None:
    change(submission.records)
    submission.write()
    report = check_submission(submission.predictions, submission.pairs, labelled=False)
    assert any(fault in found for found in report.faults), report.faults


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("def compute(a, b): return sum(x * y for x, y in zip(a, b))", "decisions that are not"),
        ("def compute(a, b): return float('nan')", "scores that are not finite"),
        ("def compute(a, b): raise KeyError('x')", "failures of similarity.py"),
        ("def other(a, b): return 0", "failures of similarity.py"),
        ("import os; os._exit(1)", "failures of similarity.py"),
        ("syntax error", "failures of similarity.py"),
    ],
)
def test_a_wrong_similarity_is_found(submission: Submission, code: str, fault: str) -> None:
    submission.predictions.with_name("similarity.py").write_text(code)
    report = check_submission(submission.predictions, submission.pairs, labelled=False)
    assert any(fault in found for found in report.faults), report.faults


def run(*arguments: Path | str) -> int:
    return run_command("study", "check-submission", *arguments).status


def test_the_exit_status_tells_pass_fault_and_unusable_input(submission: Submission) -> None:
    assert run(submission.predictions, submission.pairs, "--labels") == 0
    swap_two(submission.records)
    submission.write()
    assert run(submission.predictions, submission.pairs) == 1
    assert run(submission.predictions, submission.pairs.with_name("none.jsonl")) == 2


def test_a_width_of_the_threshold_half_is_none_below_zero_and_leaves_numbers_to_match(submission: Submission) -> None:
    assert run(submission.predictions, submission.pairs, "--threshold-width", "4") == 0
    assert run(submission.predictions, submission.pairs, "--threshold-width", "-1") == 2
    ended = run_command("study", "check-submission", submission.predictions, submission.pairs, "--threshold-width", 8)
    assert ended.status == 1
    assert "embeddings of no more than the 8 numbers of --threshold-width" in ended.stdout


def test_a_missing_similarity_is_named(submission: Submission) -> None:
    submission.predictions.with_name("similarity.py").unlink()
    with pytest.raises(UserError, match=r"similarity\.py: no such file"):
        check_submission(submission.predictions, submission.pairs, labelled=False)
