"""The commands of `bash run.sh exchange`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from scripts.arguments import Overrides, OwnOptions

app = typer.Typer(help="Models to and from other programs.", no_args_is_help=True)


@app.command("onnx")
def export_onnx(
    checkpoint: Annotated[Path, typer.Argument(help="experiments/<name>, or any checkpoint")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="folder to write; must not exist")],
    overrides: Overrides = None,
    options: OwnOptions = None,
    int8: Annotated[bool, typer.Option("--int8", help="weights of matrix products in eight bits, measured")] = False,
    pairs: Annotated[int, typer.Option(min=1, help="first validation pairs, on which int8 is measured")] = 2000,
) -> None:
    """Write the item encoder of a checkpoint as ONNX for other programs.

    OUT gets item_encoder.onnx, the tokenizer's files and preprocessing.json, which says all else: how pictures and
    texts become inputs, and how two embeddings become a decision. The graph is compared with the model on validation
    items. A run's folder (experiments/<name>) stands for its best checkpoint. A checkpoint that keeps no options of its
    own, a published .pth or an imported one, takes them, the decision threshold among them, of an option file:

    \b
    bash run.sh exchange onnx NET.pth OUT --options options/63_grad_clip_norm_0.5.yml predict.threshold=1.65
    """
    from engine.experiment import ExperimentOptions
    from engine.onnx_encoder import EXPORT, check_onnx_packages
    from options.read import read_options

    if overrides and options is None:
        raise typer.BadParameter(f"{overrides[0]}: changes an option file; name that (--options)")
    # What is wrong in it is told before torch is imported, which takes seconds.
    given = read_options(ExperimentOptions, options, overrides or []) if options is not None else None
    check_onnx_packages(*EXPORT)
    from engine.disk import refuse_existing
    from tools.exchange.onnx_comparison import effect_table, parity_table
    from tools.exchange.onnx_export import export, read_source

    refuse_existing(out)
    source = read_source(checkpoint, given, labelled=int8)
    found = export(source, out, int8, pairs)
    print(f"{out}: the encoder of {source.verifier.checkpoint}, {found.mebibytes:,.1f} MiB")
    split = f"data.{source.split_name}"
    print(f"float32 in onnxruntime against PyTorch, on items of {split}:\n{parity_table(found.parity)}")
    if found.effects:
        threshold = source.verifier.rule.threshold
        # Of validation pairs those at the calibrated threshold, which was chosen on them.
        figures = effect_table(found.effects, "best possible " if source.split_name == "val" else "")
        print(f"pairs of {split} at the decision threshold {threshold:.4f}:\n{figures}")


@app.command()
def import_published(
    published: Annotated[Path, typer.Argument(metavar="IN.pth", help="the file, any of its parts, or their stem")],
    folder: Annotated[Path, typer.Argument(metavar="OUT_FOLDER", help="checkpoint folder to write; must not exist")],
    image_library: Annotated[
        Literal["timm", "transformers"], typer.Option(help="model.image_encoder.name of the option files to use it")
    ] = "timm",
) -> None:
    """Turn a published checkpoint (.pth, whole or in parts) into a checkpoint folder of this project.

    Names are mapped without building a model, so that neither an option file nor a network is needed. Predict with it:

    \b
    bash predict.sh options/63_grad_clip_norm_0.5.yml predict.checkpoint=OUT_FOLDER predict.threshold=1.65
    """
    from tools.exchange import published_checkpoint

    num_tensors = published_checkpoint.import_published(published, folder, image_library)
    print(f"{folder}: {num_tensors:,} tensors")


@app.command()
def export_published(
    checkpoint: Annotated[Path, typer.Argument(help="checkpoint folder, or its item_encoder.safetensors")],
    published: Annotated[Path, typer.Argument(metavar="OUT.pth", help="file to write; must not exist")],
) -> None:
    """Turn a checkpoint of this project into a file that the published code loads.

    The checkpoint has to be of the published network: two branches, each with a BERT, a Swin Transformer of timm or
    transformers and a projection, with model.head linear. Derived buffers are added.
    """
    from tools.exchange import published_checkpoint

    num_tensors = published_checkpoint.export_published(checkpoint, published)
    print(f"{published}: {num_tensors:,} tensors")


@app.command()
def download_weights(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="folder of the two")] = Path("weights"),
) -> None:
    """Download both pretrained backbones into folders and say how option files read them from there.

    Fetches timm/swin_large_patch4_window12_384.ms_in22k (0.8 GB) and hfl/chinese-roberta-wwm-ext (0.4 GB):
    configuration, vocabulary and weights. Run it again to go on after an interruption. HF_ENDPOINT names a mirror of
    the hub. Exit status: 0 both are there, 2 something needs your hand (the message says what).
    """
    from tools.exchange.hub_weights import fetch_backbones

    overrides = fetch_backbones(out)
    print("\nTo train or predict with these folders and without a network, add to the command:")
    print(" \\\n".join(f"  {override}" for override in overrides))
