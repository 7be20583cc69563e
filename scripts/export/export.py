"""From a checkpoint to a folder that another program can use."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data.loading import Split, load_split
from data.tokenizer import Tokenizer
from engine.checkpoint import read_state
from engine.checksums import write_checksums
from engine.decision_rule import DecisionRule, decision_rule
from engine.disk import writing
from engine.experiment import ExperimentOptions
from engine.export_description import MODEL, Arithmetic, write_description
from engine.onnx_encoder import OnnxItemEncoder
from engine.predictor import load_encoder
from models.item_embedder import ItemEmbedder
from models.item_encoder import ItemEncoder
from options.errors import UserError
from scripts.export.describing import describe
from scripts.export.effect import Effect, first_pairs, measure_effects
from scripts.export.graph import write_graph
from scripts.export.parity import BatchParity, measure_parity, refuse_difference
from scripts.export.quantization import quantize

EXAMPLE_ITEMS = 2


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint, read, and the validation split of its run."""

    options: ExperimentOptions
    step: int
    encoder: ItemEncoder
    """In evaluation mode."""
    rule: DecisionRule
    split: Split
    tokenizer: Tokenizer | None


@dataclass(frozen=True, slots=True)
class Export:
    """What was written and found."""

    parity: list[BatchParity]
    """Of the float32 graph."""
    effects: list[Effect]
    """With int8: of PyTorch, the float32 graph and the int8 one."""
    mebibytes: float
    """Of the graph's files."""


def read_source(checkpoint: Path) -> Source:
    """Read a checkpoint and the validation split of its run; raises UserError where either cannot be read."""
    state = read_state(checkpoint)
    options = ExperimentOptions.model_validate_json(json.dumps(state.run.options))
    rule = decision_rule("calibrated", checkpoint)
    assert options.data.val is not None, "a run that wrote a checkpoint has one"
    split = load_split(options.data.val, options.data, options.reads, labelled=True)
    encoder = load_encoder(options, checkpoint, split.items).eval()
    text = options.data.text
    tokenizer = Tokenizer(text.tokenizer, text.max_tokens) if options.reads.text else None
    return Source(options, state.step, encoder, rule, split, tokenizer)


def export(source: Source, out: Path, int8: bool, num_pairs: int) -> Export:
    """Write the folder, whole or not at all; with int8 measure what it changes on the first validation pairs.

    Raises UserError where the folder exists or cannot be written, for a model that torch cannot write, and where the
    graph's embeddings are not those of PyTorch.
    """
    with _new_folder(out) as folder:
        _write(source, folder, "float32")
        exact = OnnxItemEncoder(folder)
        parity = measure_parity(source.encoder, exact, source.split.items)
        refuse_difference(parity)
        effects = _quantized(source, folder, exact, num_pairs) if int8 else []
        size = sum(file.stat().st_size for file in folder.glob(f"{MODEL}*"))
    return Export(parity, effects, size / 2**20)


def _write(source: Source, folder: Path, arithmetic: Arithmetic) -> None:
    items = source.split.items
    example = items.batch([row % len(items.catalog) for row in range(EXAMPLE_ITEMS)])
    write_graph(source.encoder, example, source.options.reads, folder / MODEL)
    if source.tokenizer is not None:
        source.tokenizer.save(folder)
    _describe(source, folder, arithmetic)


def _describe(source: Source, folder: Path, arithmetic: Arithmetic) -> None:
    description = describe(source.options, source.step, source.encoder, source.tokenizer, source.rule, arithmetic)
    write_description(folder, description)
    write_checksums(folder)


def _quantized(source: Source, folder: Path, exact: OnnxItemEncoder, num_pairs: int) -> list[Effect]:
    """Put an int8 graph in the place of the float32 one and measure it."""
    written = folder / f"int8.{MODEL}"
    quantize(folder / MODEL, written)
    for file in folder.glob(f"{MODEL}*"):
        file.unlink()
    written.rename(folder / MODEL)
    _describe(source, folder, "int8")
    split = Split(source.split.catalog, first_pairs(source.split.pairs, num_pairs), source.split.items)
    encoders: dict[str, ItemEmbedder] = {
        "PyTorch float32": source.encoder,
        "ONNX float32": exact,
        "ONNX int8": OnnxItemEncoder(folder),
    }
    return measure_effects(encoders, split, source.rule, source.options.evaluate.batch_size)


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Give a folder that gets the target's name once it is whole; raises UserError where the target exists."""
    refuse_existing(target)
    temporary = target.with_name(f".writing_{target.name}")
    with writing(target):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            refuse_existing(target)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def refuse_existing(target: Path) -> None:
    """Raise UserError where there is something of this name."""
    if target.exists():
        raise UserError(f"{target}: exists already; remove it or name another folder")
