"""From the name of a run to what its report is made of."""

import json
from pathlib import Path

from data.image_store import ImageSource, open_images
from data.loading import Split
from engine.checkpoint import best_checkpoint, read_state
from engine.distributed import Processes
from engine.encode import encode_items, encoding_plan
from engine.experiment import ExperimentOptions
from engine.figure_intervals import decision_intervals
from engine.pair_scores import score_pairs
from engine.predictor import load_predictor
from engine.run_folder import RUNS, RunFolder
from options.errors import UserError
from options.read import read_options
from tools.views.reporting.pair_kinds import read_kinds
from tools.views.reporting.report_data import ReportData, RunRecord, ScoredPairs, read_course

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
    options = _options(folder, split_name, checkpoint)
    split, encoder, rule = load_predictor(options)
    if split.pairs.same is None or not split.pairs.same.any():
        raise UserError(
            f"data.{split_name}.pairs: decisions are compared with labels, and no pair of this split is labelled the "
            "same; take another split (--split)"
        )
    encoder.to(processes.device)
    plan = encoding_plan(options, options.prediction_precision, processes.device)
    items = encode_items(encoder, split.items, plan, processes, "encode")
    if items is None:
        return None
    scores = score_pairs(items, split.pairs, encoder.threshold_width)
    files = options.data.split(split_name)
    assert files is not None, "load_predictor has read the split"
    kinds = read_kinds(files.pairs, len(split.pairs))
    intervals = decision_intervals(split.pairs, scores.margin > rule.threshold)
    return ReportData(
        run=_record(folder, checkpoint, state.step),
        split=split_name,
        catalog=split.catalog,
        images=_images(split, options, split_name),
        pairs=ScoredPairs(
            scores.match, scores.threshold, split.pairs.source, split.pairs.target, split.pairs.same, kinds
        ),
        calibrated_threshold=rule.threshold,
        own_threshold=state.evaluation.threshold,
        num_categories_left_out=len(rule.categories),
        intervals=intervals._asdict() if intervals is not None else None,
    )


def _options(folder: RunFolder, split_name: str, checkpoint: Path) -> ExperimentOptions:
    options = read_options(ExperimentOptions, folder.options)
    predict = options.predict.model_copy(
        update={"split": split_name, "checkpoint": str(checkpoint), "threshold": "calibrated"}
    )
    return options.model_copy(update={"predict": predict})


def _record(folder: RunFolder, checkpoint: Path, step: int) -> RunRecord:
    environment = json.loads(_text(folder.environment) or "{}")
    return RunRecord(
        name=folder.root.resolve().name,
        checkpoint=checkpoint.name,
        step=step,
        options=_text(folder.options)[:LONGEST_RECORD],
        environment=environment if isinstance(environment, dict) else {},
        commands=_text(folder.command)[-LONGEST_RECORD:],
        course=read_course(folder.course),
    )


def _images(split: Split, options: ExperimentOptions, split_name: str) -> ImageSource | None:
    """Return the split's images; also for a model that reads none, where there are any."""
    if options.reads.image:
        return split.items.images
    files = options.data.split(split_name)
    try:
        return open_images(files.images, options.data.image) if files is not None else None
    except UserError:
        return None


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
