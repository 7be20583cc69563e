"""The commands of `bash run.sh study` that train, or do again what training did."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.arguments import SEEDS, Check, Overrides, Replicates, SeedsCommand

app = typer.Typer()

ABLATION_SEEDS = [0, 1, 2]
FOLD_SEEDS = [0, 1, 2, 3, 4]

Seeds = Annotated[list[int], typer.Option(min=0, max=SEEDS - 1, metavar="N ...", help="Of training.")]


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
    from scripts.study import compare
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
