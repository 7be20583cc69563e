"""The commands of `bash run.sh study`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scripts import training_studies
from scripts.arguments import SEEDS, Check, OptionFile, Overrides, Replicates, positive

if TYPE_CHECKING:
    from engine.distributed import Processes
    from engine.experiment import ExperimentOptions
    from engine.stop_request import StopRequest

app = typer.Typer(help="What models decide, compared and chosen.", no_args_is_help=True)
app.add_typer(training_studies.app)

CRITERIA = "f1 | precision=X | recall=X | positives=N"
MEANING_OF_CRITERIA = """
Highest F1; highest recall of at least that precision; highest precision of at least that recall; as many positives.
"""
MEANING_OF_SHRINKAGE = "Pairs of a category at which its threshold lies midway to the one of all pairs."
MEANING_OF_WIDTH = "Numbers of the threshold half (half of all; 0 for a model without a threshold branch)."

Seed = Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Of the bootstrap and of folds.")]


@app.command()
def calibrate(
    run_or_checkpoint: Annotated[Path, typer.Argument(help="experiments/<name> or a checkpoint in it.")],
    criterion: Annotated[str, typer.Option(metavar=CRITERIA, help=MEANING_OF_CRITERIA)] = "f1",
    per_category: Annotated[
        bool, typer.Option("--per-category", help="A threshold a category, where that helps.")
    ] = False,
    shrinkage: Annotated[float, typer.Option(parser=positive, metavar="PAIRS", help=MEANING_OF_SHRINKAGE)] = 200.0,
    drop_shared: Annotated[
        bool, typer.Option("--drop-shared", help="Leave out validation pairs that are test pairs, else refused.")
    ] = False,
    test: Annotated[
        Path | None, typer.Option(metavar="PAIR_FILE", help="The test pairs, if not those of the run's data.test.")
    ] = None,
    replicates: Replicates = 1000,
    seed: Seed = 0,
) -> None:
    """Choose the decision threshold of a checkpoint on its validation pairs.

    A run's folder (experiments/<name>) stands for its best checkpoint. The rule is kept beside the checkpoint, as
    <checkpoint>.threshold.json, and applied by predict.threshold=calibrated.
    """
    from metrics.threshold import parse_criterion

    try:
        chosen = parse_criterion(criterion)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--criterion") from error
    if per_category and chosen.name == "positives":
        raise typer.BadParameter("--per-category: a number of positives is one of all pairs, not of each category")
    from engine.decision_rule import write_rule
    from engine.named_checkpoint import checkpoint_of
    from tools.study.calibration import CalibrationSettings, calibrate, calibration_lines

    checkpoint = checkpoint_of(run_or_checkpoint)
    settings = CalibrationSettings(chosen, per_category, shrinkage, replicates, seed, test, drop_shared)
    calibration = calibrate(checkpoint, settings)
    print("\n".join(calibration_lines(calibration)))
    print(f"kept in {write_rule(checkpoint, calibration.record)}")


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN_OR_FILE")],
    others: Annotated[list[Path], typer.Argument(metavar="RUN_OR_FILE")],
    pairs: Annotated[Path | None, typer.Option(metavar="PAIR_FILE", help="Labelled pairs that files answer.")] = None,
    threshold: Annotated[Literal["calibrated", "learned"], typer.Option(help="Of runs.")] = "calibrated",
    replicates: Replicates = 1000,
    seed: Seed = 0,
) -> None:
    """Compare runs or submission files on the same labelled pairs, with confidence intervals.

    A run's folder (experiments/<name>) or a checkpoint is compared by its kept validation scores, without its model; a
    submission file by its decisions on the pairs of --pairs. The first is what the others are compared with. Runs whose
    names differ in -seed0, -seed1 ... alone are one system, whose figures are the means over them.
    """
    from tools.study.comparison import compare, comparison_lines
    from tools.study.systems import join_seeds, system_of

    systems = join_seeds(system_of(path, pairs, threshold) for path in (first, *others))
    if len(systems) == 1:
        raise typer.BadParameter(
            f"these are runs of {systems[0].name} with other seeds, which are one system: give another one besides, or "
            "the runs' checkpoints"
        )
    print("\n".join(comparison_lines(compare(systems, replicates, seed))))


@app.command()
def check_submission(
    predictions: Annotated[Path, typer.Argument(help="Submission file, with similarity.py in its folder.")],
    pairs: Annotated[Path, typer.Argument(help="Pair file.")],
    labels: Annotated[bool, typer.Option("--labels", help="Measure against the labels of the pair file.")] = False,
    threshold_width: Annotated[int | None, typer.Option(min=0, help=MEANING_OF_WIDTH)] = None,
) -> None:
    """Check a submission file and the similarity.py beside it against the pair file that it answers.

    Exit status: 0 it passes, 1 it has faults, 2 a file is missing or malformed.
    """
    from tools.study.submission import check_submission, report_lines

    report = check_submission(predictions, pairs, labelled=labels, threshold_width=threshold_width)
    print("\n".join(report_lines(report)))
    raise typer.Exit(1 if report.faults else 0)


@app.command()
def precision_drift(option_file: OptionFile, overrides: Overrides = None, check: Check = False) -> None:
    """Compare the decisions of a checkpoint in float32 with those in bfloat16 and float16.

    The split, the checkpoint and the threshold are those of predict.*.
    """
    from engine.command import run_action

    def measure(options: "ExperimentOptions", command: str, processes: "Processes", stop: "StopRequest") -> None:
        from tools.study.precision_drift import drift_lines, measure_precision_drift

        threshold, drifts = measure_precision_drift(options, processes, stop)
        if processes.is_first:
            print("\n".join(drift_lines(options.predict.split, threshold, drifts)))

    run_action(measure, option_file, overrides or [], check)


@app.command()
def baselines(
    items: Annotated[Path, typer.Argument(help="JSONL file of items.")],
    pairs: Annotated[Path, typer.Argument(help="JSONL file of labelled pairs.")],
    images: Annotated[Path | None, typer.Argument(help="Folder or pack of the items' images.")] = None,
) -> None:
    """Measure the best possible F1 on labelled pairs of what needs no learning: text overlap and colours."""
    from data.options import TextOptions
    from tools.study.baselines import baseline_table, measure_baselines

    print(baseline_table(measure_baselines(items, pairs, images, TextOptions().attributes)))
