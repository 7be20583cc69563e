"""Check a whole submission: its lines, its similarity.py, its decisions and, with labels, its figures."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from metrics.verification import VerificationMetrics, verification_metrics
from options.errors import UserError
from tools.study.submission.lines import Faults, SubmissionLine, read_submission
from tools.study.submission.similarity_process import SimilarityError, SimilarityProcess

# Margins this close to the threshold, relative to their terms, may fall to either side by rounding.
_ROUNDING = 1e-9


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
    similarity_file = predictions.with_name("similarity.py")
    if not similarity_file.is_file():
        raise UserError(f"{similarity_file}: no such file; it belongs beside the predictions")
    faults = Faults()
    decisions: list[bool] = []
    labels: list[bool] = []
    with SimilarityProcess(similarity_file) as similarity:
        lines = read_submission(predictions, pairs, faults, labelled=labelled)
        for line in tqdm(lines, desc="check", unit="pair"):
            try:
                score = similarity.compute(line.source, line.target)
            except SimilarityError as error:
                faults.add("failures of similarity.py", f"{predictions}:{line.number}: {error}")
                break
            place = f"{predictions}:{line.number}"
            if not math.isfinite(score):
                faults.add("scores that are not finite", place)
            if _contradicts(line, score, threshold_width):
                faults.add("decisions that are not those of match·match - threshold·threshold", place)
            decisions.append(score > line.threshold)
            if line.same is not None:
                labels.append(line.same)
    if not decisions and not faults:
        raise UserError(f"{predictions}: has no lines")
    metrics = None
    if labels:
        signs = np.where(decisions, 1.0, -1.0)
        metrics = verification_metrics(signs, np.array(labels, dtype=np.bool_), 0.0)
    return SubmissionReport(len(decisions), sum(decisions), faults, metrics)


def _contradicts(line: SubmissionLine, score: float, threshold_width: int | None) -> bool:
    """Tell whether the score decides otherwise than the margin of the numbers in the file."""
    half = len(line.source) // 2 if threshold_width is None else threshold_width
    products = np.array(line.source) * np.array(line.target)
    margin = float(products[half:].sum() - products[:half].sum())
    if abs(margin - line.threshold) <= _ROUNDING * float(np.abs(products).sum()):
        return False
    return (margin > line.threshold) != (score > line.threshold)
