"""From a checkpoint to a folder that another program can use."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch

from data.loading import Split
from engine.checksums import write_checksums
from engine.disk import refuse_existing, whole_folder, write_json, write_text
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.onnx_encoder import DESCRIPTION, MODEL, OPTIONS, Arithmetic, OnnxItemEncoder
from engine.verifier import Verifier
from models.embedding import ItemEmbedder
from models.item_encoder import ItemEncoder
from options.errors import UserError
from options.read import write_options
from tools.exchange.onnx_comparison import BatchParity, Effect, measure_effects, measure_parity, refuse_difference
from tools.exchange.onnx_description import describe
from tools.exchange.onnx_graph import quantize, write_graph

EXAMPLE_ITEMS = 2


@dataclass(frozen=True, slots=True)
class Source:
    """A trained model and the split that its graph is compared on."""

    verifier: Verifier
    split_name: Literal["val", "test"]
    split: Split


@dataclass(frozen=True, slots=True)
class Export:
    """What was written and found."""

    parity: list[BatchParity]
    """Of the float32 graph."""
    effects: list[Effect]
    """With int8: of PyTorch, the float32 graph and the int8 one."""
    mebibytes: float
    """Of the graph's files."""


def read_source(checkpoint: Path, options: ExperimentOptions | None, labelled: bool) -> Source:
    """Load a checkpoint and the split of its options to compare on; raises UserError where either cannot be read.

    The split is that of validation, or where there is none that to predict. The options are its own unless others are
    given. `labelled` demands labels of the split's pairs, which int8 is measured by.
    """
    # The graph is compared on the CPU, where onnxruntime runs it.
    verifier = Verifier.load(checkpoint, options, processes=Processes(rank=0, count=1, device=torch.device("cpu")))
    if not isinstance(verifier.encoder, ItemEncoder):
        raise UserError(f"{checkpoint}: is exported already; name the checkpoint that it is of")
    data = verifier.options.data
    files = data.val or data.test
    if files is None:
        raise UserError(
            "data.val, data.test: the options name neither split, and the graph is compared with the model on items of "
            "one; give data.val.items=FILE data.val.pairs=FILE data.val.images=FOLDER"
        )
    return Source(verifier, "val" if data.val is not None else "test", verifier.preparation.split(files, labelled))


def export(source: Source, out: Path, int8: bool, num_pairs: int) -> Export:
    """Write the folder, whole or not at all; with int8 measure what it changes on the first pairs of the split.

    Raises UserError where the folder exists or cannot be written, for a model that torch cannot write, and where the
    graph's embeddings are not those of PyTorch.
    """
    refuse_existing(out)
    with whole_folder(out) as folder:
        _write(source, folder)
        exact = OnnxItemEncoder(folder)
        parity = measure_parity(source.verifier.encoder, exact, source.split.items)
        refuse_difference(parity)
        effects = _quantized(source, folder, exact, num_pairs) if int8 else []
        size = sum(file.stat().st_size for file in folder.glob(f"{MODEL}*"))
    return Export(parity, effects, size / 2**20)


def _write(source: Source, folder: Path) -> None:
    verifier, items = source.verifier, source.split.items
    example = items.batch([row % len(items.catalog) for row in range(EXAMPLE_ITEMS)])
    write_graph(verifier.encoder, example, verifier.options.reads, folder / MODEL)
    if verifier.preparation.tokenizer is not None:
        verifier.preparation.tokenizer.save(folder)
    _describe(verifier, folder, "float32")


def _describe(verifier: Verifier, folder: Path, arithmetic: Arithmetic) -> None:
    write_json(folder / DESCRIPTION, asdict(describe(verifier, arithmetic)))
    # The graph gives embeddings alone, so that the margin decides.
    by_margin = verifier.options.predict.model_copy(update={"decider": None})
    write_text(folder / OPTIONS, write_options(verifier.options.model_copy(update={"predict": by_margin})))
    write_checksums(folder)


def _quantized(source: Source, folder: Path, exact: OnnxItemEncoder, num_pairs: int) -> list[Effect]:
    """Put an int8 graph in the place of the float32 one and measure it."""
    written = folder / f"int8.{MODEL}"
    quantize(folder / MODEL, written)
    for file in folder.glob(f"{MODEL}*"):
        file.unlink()
    written.rename(folder / MODEL)
    _describe(source.verifier, folder, "int8")
    verifier = source.verifier
    encoders: dict[str, ItemEmbedder] = {
        "PyTorch float32": verifier.encoder,
        "ONNX float32": exact,
        "ONNX int8": OnnxItemEncoder(folder),
    }
    return measure_effects(encoders, source.split, verifier.rule, num_pairs, verifier.options.evaluate.batch_size)
