"""The commands of `bash run.sh study`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scripts.arguments import SEEDS, OptionFile, Overrides, SeedsCommand, positive

if TYPE_CHECKING:
    from engine.distributed import Processes
    from engine.experiment import ExperimentOptions
    from engine.stop_request import StopRequest

app = typer.Typer(help="What models decide, compared and chosen.", no_args_is_help=True)

ABLATION_SEEDS = [0, 1, 2]
FOLD_SEEDS = [0, 1, 2, 3, 4]

CRITERIA = "f1 | precision=X | recall=X | positives=N"
MEANING_OF_CRITERIA = """
Highest F1; highest recall of at least that precision; highest precision of at least that recall; as many positives.
"""
MEANING_OF_SHRINKAGE = "Pairs of a category at which its threshold lies midway to the one of all pairs."
MEANING_OF_WIDTH = "Numbers of the threshold half (half of all; 0 for a model without a threshold branch)."

Replicates = Annotated[int, typer.Option(min=1, help="Draws of the bootstrap.")]
Seed = Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Of the bootstrap and of folds.")]
Seeds = Annotated[list[int], typer.Option(min=0, max=SEEDS - 1, metavar="N ...", help="Of training.")]
Check = Annotated[bool, typer.Option("--check", hidden=True, help="Check the arguments alone, for engine.launch.")]


@app.command()
def calibrate(
    run_or_checkpoint: Annotated[Path, typer.Argument(help="experiments/<name> or a checkpoint in it.")],
    criterion: Annotated[str, typer.Option(metavar=CRITERIA, help=MEANING_OF_CRITERIA)] = "f1",
    per_category: Annotated[
        bool, typer.Option("--per-category", help="A threshold a category, where that helps.")
    ] = False,
    shrinkage: Annotated[float, typer.Option(parser=positive, metavar="PAIRS", help=MEANING_OF_SHRINKAGE)] = 200.0,
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
    calibration = calibrate(checkpoint, CalibrationSettings(chosen, per_category, shrinkage, replicates, seed))
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


@app.command(cls=SeedsCommand)
def cross_validate(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="OPTION_FILE|section.key=value", help="Files, and options in place of theirs."),
    ],
    folds: Annotated[int, typer.Option(min=2)] = 5,
    seeds: Seeds = FOLD_SEEDS,
    replicates: Replicates = 1000,
) -> None:
    """Train and score option files fold by fold, no product being in two folds, and compare them.

    The training and validation pairs are dealt to folds; for each fold and seed a model is trained on the other folds
    for all its steps and scores the fold's pairs. A fold's threshold is chosen on the other folds' scores. The first
    option file is what the others are compared with. Scores are kept in experiments/<name>.cross_validation, so that
    the same command goes on where it was ended; folds whose items, pairs or labels have changed are trained again.
    """
    from data.hub import go_offline_without_hub
    from data.pair_kinds import read_kinds
    from engine.experiment import ExperimentOptions
    from options.errors import UserError
    from options.read import read_options

    overrides = [argument for argument in arguments if "=" in argument]
    files = [Path(argument) for argument in arguments if "=" not in argument]
    if not files:
        raise UserError("give at least one option file")
    experiments = [read_options(ExperimentOptions, file, overrides) for file in files]
    go_offline_without_hub([name for options in experiments for name in options.hub_names])
    # torch takes seconds to import, which wrong options need not wait for.
    from engine.distributed import started_processes
    from metrics.bootstrap import Resampling
    from metrics.clusters import pair_clusters
    from tools.study.cross_validation import CrossValidator
    from tools.study.folds import read_pools
    from tools.study.held_out import kind_lines, table_lines

    pools = read_pools(experiments)
    with started_processes() as processes:
        tasks = zip(experiments, pools, strict=True)
        found = [CrossValidator(options, pool, folds, processes).decided(seeds) for options, pool in tasks]
    first = pools[0]  # the others have its pairs
    print("\n".join(table_lines(found, Resampling(pair_clusters(first.pairs.source, first.pairs.target), replicates))))
    num_train = len(first.pairs) - first.num_validation
    kinds = [read_kinds(first.files.pairs, num_train), read_kinds(first.validation_file, first.num_validation)]
    if kinds[0] is not None and kinds[1] is not None:
        print("\n".join(["", *kind_lines(found, [*kinds[0], *kinds[1]])]))


@app.command(cls=SeedsCommand)
def ablate(
    overrides: Overrides = None,
    study: Annotated[str, typer.Option(metavar="NAME", help="How the runs' names begin.")] = "ablation",
    seeds: Seeds = ABLATION_SEEDS,
    replicates: Replicates = 1000,
) -> None:
    """Train every option file of options/ablation with several seeds on the demo's data and compare them.

    Run again, the same command goes on where it was; runs that are done are passed over.
    """
    own = [override for override in overrides or () if override.partition("=")[0] in ("name", "seed")]
    if own:
        raise typer.BadParameter(f"{own[0]}: every run has a name and a seed of its own; give --study NAME, or --seeds")
    from scripts.data import demo
    from tools.study.ablation import ablation_runs, is_done, train

    demo(Path("datasets/demo"))
    runs = ablation_runs(study, list(dict.fromkeys(seeds)), overrides or ())
    for number, run in enumerate(runs, start=1):
        if is_done(run):
            print(f"run {number} of {len(runs)}, {run.options.name}: is done")
            continue
        print(f"run {number} of {len(runs)}, {run.options.name}:", flush=True)
        status = train(run)
        if status:
            raise typer.Exit(status)
    compare(runs[0].folder, [run.folder for run in runs[1:]], replicates=replicates)


@app.command()
def check_submission(
    predictions: Annotated[Path, typer.Argument(help="Submission file, with similarity.py in its folder.")],
    pairs: Annotated[Path, typer.Argument(help="Pair file.")],
    labels: Annotated[bool, typer.Option("--labels", help="Measure against the labels of the pair file.")] = False,
    threshold_width: Annotated[int | None, typer.Option(help=MEANING_OF_WIDTH)] = None,
) -> None:
    """Check a submission file and the similarity.py beside it against the pair file that it answers.

    Exit status: 0 it passes, 1 it has faults, 2 a file is missing or malformed.
    """
    from tools.study.submission import check_submission, report_lines

    report = check_submission(predictions, pairs, labelled=labels, threshold_width=threshold_width)
    print("\n".join(report_lines(report)))
    raise typer.Exit(1 if report.faults else 0)


@app.command()
def precision_drift(
    option_file: OptionFile,
    overrides: Overrides = None,
    check: Check = False,
) -> None:
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
def replay(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="experiments/<name>/non_finite.")],
    check: Check = False,
) -> None:
    """Do the step again whose loss or gradient was not finite, and say where that comes from.

    A step of several processes needs as many: NPROC=2 bash run.sh study replay FOLDER.
    """
    if check:
        return
    from engine.distributed import started_processes
    from tools.study.replay import replay_lines, replay_step

    with started_processes() as processes:
        replays = replay_step(folder, processes)
        if processes.is_first:
            print("\n".join(replay_lines(replays)))


@app.command()
def baselines(
    items: Annotated[Path, typer.Argument(help="JSONL file of items.")],
    pairs: Annotated[Path, typer.Argument(help="JSONL file of labelled pairs.")],
    images: Annotated[Path, typer.Argument(help="Folder or pack of the items' images.")],
) -> None:
    """Measure the best F1 on labelled pairs of what needs no learning: text overlap and colours."""
    from data.options import TextOptions
    from tools.study.baselines import baseline_table, measure_baselines

    print(baseline_table(measure_baselines(items, pairs, images, TextOptions().attributes)))
