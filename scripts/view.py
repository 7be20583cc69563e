"""The commands of `bash run.sh view`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from scripts.arguments import OwnOptions

app = typer.Typer(help="Runs and pairs to look at.", no_args_is_help=True)

LIBRARIES = ("starlette", "uvicorn", "python_multipart")
"""Modules of requirements-serve.txt."""

Run = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run, or its folder, experiments/<name>.")]
Split = Annotated[Literal["train", "val", "test"], typer.Option(help="Labelled split.")]
Checkpoint = Annotated[Path, typer.Argument(help="A checkpoint, or the folder of a run for its best one.")]
Items = Annotated[Path | None, typer.Option(help="Item file to take items from, in place of the run's splits.")]
Images = Annotated[Path | None, typer.Option(help="Its folder or pack of images.")]
Grid = Annotated[int, typer.Option(min=1, help="Rows and columns of regions.")]
Words = Annotated[int, typer.Option(min=1, help="Most words of each title.")]


@app.command()
def report(
    run: Run,
    split: Split = "val",
    out: Annotated[Path | None, typer.Option(help="HTML file (experiments/<name>/report_<split>.html).")] = None,
    gallery: Annotated[int, typer.Option(min=1, metavar="N", help="Pairs of each group with pictures.")] = 60,
) -> None:
    """Write the report of a run, one HTML file to look at.

    Its best checkpoint decides on the labelled pairs of the split.
    """
    from engine.disk import write_text
    from engine.distributed import started_processes
    from tools.views.reporting.load_run import find_run, load_report_data
    from tools.views.reporting.report import render_report

    folder = find_run(run)
    with started_processes() as processes:
        data = load_report_data(folder, split, processes)
    if data is not None:
        file = out or folder.root / f"report_{split}.html"
        write_text(file, render_report(data, gallery))
        print(f"report: {file} ({file.stat().st_size / 1e6:.1f} MB)")


@app.command()
def plot(
    run: Run,
    split: Split = "val",
    out: Annotated[Path | None, typer.Option(help="PNG file, SVG beside it (experiments/<name>/scores.png).")] = None,
) -> None:
    """Draw the distribution of a run's margins, as PNG and SVG.

    The histograms are those of pairs labelled the same and different; the line is the threshold calibrated on the
    validation pairs.
    """
    from engine.disk import write_text
    from engine.distributed import started_processes
    from tools.views.chart import standalone_svg, write_png
    from tools.views.reporting.charts import score_histogram
    from tools.views.reporting.load_run import find_run, load_report_data

    folder = find_run(run)
    with started_processes() as processes:
        data = load_report_data(folder, split, processes)
    if data is not None:
        chart = score_histogram(data.pairs.margin, data.pairs.same, data.calibrated_threshold)
        file = (out or folder.root / "scores.png").with_suffix(".png")
        write_png(chart.figure, file)
        write_text(file.with_suffix(".svg"), standalone_svg(chart))
        print(f"scores: {file} and {file.with_suffix('.svg')}")


@app.command()
def explain(
    checkpoint: Checkpoint,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Id of an item.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Id of the other item.")],
    items: Items = None,
    images: Images = None,
    options: OwnOptions = None,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("explanation.png"),
    grid: Grid = 6,
    words: Words = 60,
    rows: Annotated[int, typer.Option(min=1, help="Most rows of the table.")] = 20,
) -> None:
    """Explain the decision on one pair, as a table and a picture.

    SOURCE and TARGET are item ids of the run's splits, or of --items FILE --images FOLDER. Each word, each attribute
    and each region of the pictures is left out in turn; what moves the margin most comes first.
    """
    from engine.distributed import started_processes
    from engine.verifier import Verifier
    from tools.views.chart import write_png
    from tools.views.explaining.catalogue import load_catalogue
    from tools.views.explaining.explain import ExplanationSettings, explain_pair
    from tools.views.explaining.picture import SHOWN_SIZE, explanation_picture
    from tools.views.explaining.table import explanation_lines

    with started_processes() as processes:
        verifier = Verifier.load(checkpoint, options, processes=processes)
        catalogue = load_catalogue(items, images, verifier.options)
        pair = catalogue.get(source), catalogue.get(target)
        explanation = explain_pair(verifier, *pair, ExplanationSettings(grid, words))
    print("\n".join(explanation_lines(explanation, rows)))
    pictures = [listing.picture_to_show(SHOWN_SIZE) for listing in pair]
    write_png(explanation_picture(explanation, pictures, rows), out)
    print(f"picture: {out}")


@app.command()
def serve(
    checkpoint: Checkpoint,
    items: Items = None,
    images: Images = None,
    options: OwnOptions = None,
    host: Annotated[str, typer.Option(help="Address to listen on; the default is this machine's own.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=2**16 - 1, help="Port to listen on, 0 for a free one.")] = 8000,
    grid: Grid = 6,
    words: Words = 60,
) -> None:
    """Serve a local web page to try pairs of items on.

    Items are entered, a picture and texts, or picked from the run's splits or from --items FILE --images FOLDER. The
    page is for this machine alone, unless --host says otherwise. It needs requirements-serve.txt.
    """
    _check_libraries()
    from engine.distributed import started_processes
    from engine.verifier import Verifier
    from tools.views.explaining.catalogue import load_catalogue
    from tools.views.explaining.explain import ExplanationSettings, check_grid
    from tools.views.serving import listen
    from tools.views.serving.app import build_app
    from tools.views.serving.judge import Judge

    # Bound first, since a model takes long to load only to find the port taken.
    with listen.bound_socket(host, port) as bound, started_processes() as processes:
        verifier = Verifier.load(checkpoint, options, processes=processes)
        check_grid(verifier.options, grid)  # whoever visits the page could not change it
        catalogue = load_catalogue(items, images, verifier.options)
        judge = Judge(verifier, catalogue, ExplanationSettings(grid, words))
        if not listen.is_loopback(host):
            warning = (
                f"warning: --host {host} lets everyone who can reach this machine use the model and see the catalogue; "
                "there is no password"
            )
            typer.echo(warning, err=True)
        listen.serve(build_app(judge, checkpoint.name, host), bound)


def _check_libraries() -> None:
    from importlib.util import find_spec

    from options.errors import UserError, install_command

    missing = [library for library in LIBRARIES if find_spec(library) is None]
    if missing:
        command = install_command("-r requirements-serve.txt")
        raise UserError(f"the page needs {', '.join(missing)}; run `{command}`")
