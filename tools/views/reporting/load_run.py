"""From the name of a run to what its report is made of."""

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.jsonl import DataError, is_number, read_records_or_faults
from data.pair_kinds import read_kinds
from engine.checkpoint import best_checkpoint, read_state
from engine.disk import read_json
from engine.distributed import Processes
from engine.encode import encode_items
from engine.evaluator import decision_intervals
from engine.experiment import ExperimentOptions
from engine.pair_scores import score_pairs, validation_scores
from engine.run_folder import RUNS, RunFolder
from engine.threshold_origin import is_fitted_to
from engine.verifier import Verifier
from options.errors import UserError
from options.read import read_options
from tools.views.explaining.catalogue import shown_images
from tools.views.reporting.report_data import ReportData, RunRecord

MOST_POINTS = 1000
"""Of a curve; of more, every second, third ... is kept."""
LONGEST_RECORD = 200_000
"""Characters of the options and of the commands that a report shows."""


def find_run(run: str) -> RunFolder:
    """Return the folder of a run, given as its name or as the folder; raises UserError where there is none."""
    for root in (Path(run), RUNS / run):
        if (root / "options.yml").is_file():
            return RunFolder(root)
    raise UserError(
        f"{run}: neither the folder of a run (one with an options.yml) nor the name of one in {RUNS}/; train first "
        "(bash train.sh OPTION_FILE)"
    )


def load_report_data(folder: RunFolder, split_name: str, processes: Processes) -> ReportData | None:
    """Encode a split's items with the run's best checkpoint and score its pairs, in the first process; None in others.

    Raises UserError for files and checkpoints that the user has to mend, and for pairs without labels.
    """
    checkpoint = best_checkpoint(folder.checkpoints)
    state = read_state(checkpoint) if checkpoint is not None else None
    if checkpoint is None or state is None or state.evaluation is None:
        raise UserError(f"{folder.checkpoints}: there is no best checkpoint yet; train until the first evaluation")
    options = read_options(ExperimentOptions, folder.options)
    files = options.data.split(split_name)
    if files is None:
        raise UserError(f"data.{split_name}: the options of the run leave out this split; take another (--split)")
    verifier = Verifier.load(checkpoint, options, "calibrated", processes, second_stage=False)
    split = verifier.preparation.split(files, labelled=False)
    if split.pairs.same is None or not split.pairs.same.any():
        raise UserError(
            f"data.{split_name}.pairs: decisions are compared with labels, and no pair of this split is labelled the "
            "same; take another split (--split)"
        )
    is_fitted = is_fitted_to(checkpoint, split, options.data, split_name)
    items = encode_items(verifier.encoder, split.items, verifier.plan, processes, "encode")
    if items is None:
        return None
    scores = score_pairs(items, split.pairs, verifier.encoder.threshold_width)
    intervals = decision_intervals(split.pairs, scores.margin > verifier.rule.threshold)
    return ReportData(
        run=_record(folder, checkpoint),
        split=split_name,
        catalog=split.catalog,
        images=shown_images(files.images, options),
        pairs=validation_scores(split, scores),
        calibrated_threshold=verifier.rule.threshold,
        is_fitted=is_fitted,
        own_threshold=state.evaluation.threshold,
        kinds=read_kinds(files.pairs, len(split.pairs)),
        num_categories_left_out=len(verifier.rule.categories),
        intervals=intervals._asdict() if intervals is not None else None,
    )


def _record(folder: RunFolder, checkpoint: Path) -> RunRecord:
    return RunRecord(
        name=folder.root.resolve().name,
        checkpoint=checkpoint.name,
        options=_text(folder.options)[:LONGEST_RECORD],
        environment=read_json(folder.environment, dict[str, object], "remove it") or {},
        commands=_text(folder.command)[-LONGEST_RECORD:],
        course=read_course(folder.course),
    )


def read_course(file: Path) -> dict[str, NDArray[np.float64]]:
    """Read the figures of all log intervals and evaluations; lines that are no records, as a killed run may leave
    one, are passed over, and without the file there are no curves.
    """
    points: defaultdict[str, dict[float, float]] = defaultdict(dict)
    if file.is_file():
        for _, record in read_records_or_faults(file):
            if isinstance(record, DataError) or not is_number(step := record.get("step")):
                continue
            for name, value in record.items():
                if name != "step" and is_number(value):
                    # Earlier versions said calibrated_ for it; a step that was evaluated anew has its last figures.
                    points[name.replace("calibrated_", "best_possible_")][float(step)] = float(value)
    curves = {}
    for name, values in points.items():
        curve = sorted(values.items())
        stride = -(-len(curve) // MOST_POINTS)
        # Counted from the end, since the last point says where the run arrived.
        curves[name] = np.array(curve[::-1][::stride][::-1])
    return curves


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
