"""A submission file and the similarity.py beside it, checked as their judge would read them."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from tqdm import tqdm

from data.item import ItemPair
from data.item_pair import parse_pair
from data.jsonl import DataError, Record, is_number, read_records
from metrics.verification import VerificationMetrics, verification_metrics
from options.errors import UserError
from options.table import aligned_figures
from tools.study.similarity_process import SimilarityError, similarity_process

MAX_NUMBERS = 1024
"""Longest embedding of an item that is allowed."""
ROUNDING = 1e-9
"""Margins this close to the threshold, relative to their terms, may fall to either side."""
_KEYS = {"src_item_id", "src_item_emb", "tgt_item_id", "tgt_item_emb", "threshold"}


class Faults(dict[str, tuple[int, str]]):
    """How often each fault occurs, and the first place of it."""

    def add(self, fault: str, place: str) -> None:
        """Count one fault."""
        count, first = self.get(fault, (0, place))
        self[fault] = count + 1, first


@dataclass(frozen=True, slots=True)
class SubmissionLine:
    """A line whose embeddings and threshold can be used, with its pair."""

    number: int
    pair: ItemPair
    source: list[float]
    target: list[float]
    threshold: float


@dataclass(frozen=True, slots=True)
class SubmissionReport:
    """What was found."""

    num_lines: int
    """Lines that could be judged."""
    num_positives: int
    """Lines decided as the same product."""
    faults: Faults
    metrics: VerificationMetrics | None


def check_submission(
    predictions: Path, pairs: Path, *, labelled: bool, threshold_width: int | None = None
) -> SubmissionReport:
    """Judge a submission as its judge would, with the similarity.py beside it.

    Args:
        labelled: measure the decisions against the labels of the pair file.
        threshold_width: numbers of the threshold half at the start of each embedding; None: one half.

    Raises:
        UserError: a file is missing or malformed.
    """
    faults = Faults()
    decisions: list[bool] = []
    labels: list[bool] = []
    for line, score in scored_lines(predictions, pairs, faults, labelled=labelled):
        place = f"{predictions}:{line.number}"
        if threshold_width is not None and threshold_width >= len(line.source):
            faults.add(f"embeddings of no more than the {threshold_width} numbers of --threshold-width", place)
        if not math.isfinite(score):
            faults.add("scores that are not finite", place)
        if _contradicts(line, score, threshold_width):
            faults.add("decisions that are not those of match·match - threshold·threshold", place)
        decisions.append(score > line.threshold)
        labels.append(line.pair.same is True)
    if not decisions and not faults:
        raise UserError(f"{predictions}: has no lines")
    metrics = None
    if labelled and labels:
        signs = np.where(decisions, 1.0, -1.0)
        metrics = verification_metrics(signs, np.array(labels, dtype=np.bool_), 0.0)
    return SubmissionReport(len(decisions), sum(decisions), faults, metrics)


def report_lines(report: SubmissionReport) -> list[str]:
    """Return the table of a report, the first place of every kind of fault, and whether it passes."""
    found = report.metrics
    figures: dict[str, int | float | str] = {
        "lines judged": report.num_lines,
        "decided as the same product": report.num_positives,
    }
    if found is not None:
        figures |= {"F1": found.f1, "precision": found.precision, "recall": found.recall, "accuracy": found.accuracy}
    return [
        *aligned_figures(figures).splitlines(),
        *(f"fault: {count:,} {fault}; the first: {first}" for fault, (count, first) in report.faults.items()),
        "FAIL" if report.faults else "PASS",
    ]


def scored_lines(
    predictions: Path, pairs: Path, faults: Faults, *, labelled: bool
) -> Iterator[tuple[SubmissionLine, float]]:
    """Yield the usable lines of a submission, each with what similarity.py gives for it, until that fails.

    The faults of all lines are counted into faults.

    Raises:
        UserError: a file is missing or malformed.
    """
    similarity_file = predictions.with_name("similarity.py")
    if not similarity_file.is_file():
        raise UserError(f"{similarity_file}: no such file; it belongs beside the predictions")
    with similarity_process(similarity_file) as compute:
        lines = read_submission(predictions, pairs, faults, labelled=labelled)
        for line in tqdm(lines, desc=predictions.name, unit="pair"):
            try:
                score = compute(line.source, line.target)
            except SimilarityError as error:
                faults.add("failures of similarity.py", f"{predictions}:{line.number}: {error}")
                return
            yield line, score


def _contradicts(line: SubmissionLine, score: float, threshold_width: int | None) -> bool:
    """Tell whether the score decides otherwise than the margin of the numbers in the file."""
    half = len(line.source) // 2 if threshold_width is None else threshold_width
    products = np.array(line.source) * np.array(line.target)
    margin = float(products[half:].sum() - products[:half].sum())
    if abs(margin - line.threshold) <= ROUNDING * float(np.abs(products).sum()):
        return False
    return (margin > line.threshold) != (score > line.threshold)


def read_submission(predictions: Path, pairs: Path, faults: Faults, *, labelled: bool) -> Iterator[SubmissionLine]:
    """Yield the usable lines of a submission, and count the faults of all into faults.

    Memory grows by a checksum for each item only.

    Raises:
        UserError: a file cannot be read, a line is no JSON object, or the pair file is malformed.
    """
    checksums: dict[str, bytes] = {}
    width: int | None = None
    for answer, question in zip_longest(read_records(predictions), read_records(pairs)):
        if answer is None or question is None:
            number = (answer or question or (0, {}))[0]
            faults.add("lines that the other file lacks", f"{predictions if answer else pairs}:{number}")
            continue
        number, record = answer
        place = f"{predictions}:{number}"
        pair = parse_pair(pairs, *question)
        if labelled and pair.same is None:
            raise DataError(pairs, question[0], "has no 'item_label', which the decisions are measured against")
        ids = pair.source_id, pair.target_id
        if (record.get("src_item_id"), record.get("tgt_item_id")) != ids:
            faults.add("ids that are not those of the pair file's line", f"{place}, where {ids} are due")
            continue
        if set(record) != _KEYS:
            faults.add("other keys than the five", f"{place}: {sorted(set(record) ^ _KEYS)}")
        sides = [_embedding(record, side, place, faults) for side in ("src_item_emb", "tgt_item_emb")]
        for item_id, side in zip(ids, ("src_item_emb", "tgt_item_emb"), strict=True):
            checksum = hashlib.sha256(str(record.get(side)).encode("utf-8", "backslashreplace")).digest()
            if checksums.setdefault(item_id, checksum) != checksum:
                faults.add("items with more than one embedding", f"{place}: item {item_id!r}")
        if not is_number(threshold := record.get("threshold")):
            faults.add("thresholds that are no finite numbers", place)
            continue
        source, target = sides
        if source is None or target is None:
            continue
        width = width or len(source)
        if not len(source) == len(target) == width:
            faults.add("embeddings of different lengths", place)
            continue
        yield SubmissionLine(number, pair, source, target, float(threshold))


def _embedding(record: Record, key: str, place: str, faults: Faults) -> list[float] | None:
    text = record.get(key)
    try:
        numbers = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        numbers = None
    if not isinstance(text, str):
        fault = "embeddings that are no strings"
    elif not isinstance(numbers, list) or not all(type(number) in (int, float) for number in numbers):
        fault = "embeddings that hold no JSON list of numbers"
    elif not 1 <= len(numbers) <= MAX_NUMBERS:
        fault = f"embeddings with no or more than {MAX_NUMBERS} numbers"
    elif not all(abs(number) < 1e300 for number in numbers):
        fault = "embeddings with numbers that are not finite"
    else:
        return [float(number) for number in numbers]
    faults.add(fault, f"{place}: {key}")
    return None
