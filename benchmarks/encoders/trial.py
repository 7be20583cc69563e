"""One encoder through all that the framework does with it."""

import copy
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import safetensors.torch
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from benchmarks.encoders.cases import MAX_TOKENS, Case
from benchmarks.encoders.tiny import VOCABULARY
from data.image_store import ImageFolder
from data.item_catalog import ItemCatalog
from data.item_tensors import ItemTensors, TextTokens
from data.options import Modalities
from data.pair_batch import ItemBatch, PairBatch
from engine.distributed import Processes
from engine.onnx_encoder import ATTENTION_MASK, IMAGES, TOKEN_IDS
from engine.options import OptimizerOptions, TrainOptions
from engine.train_loop import train
from engine.training import first_state, seed_everything
from engine.training_model import TrainingModel, data_parallel
from losses.options import SelfAdaptiveThresholdOptions
from models.embedding import pack
from models.encoder_probe import check_inputs, freeze_unused, probe_encoders
from models.item_encoder import ItemEncoder, build_item_encoder
from models.weights import distinct_state, load_exactly
from options.errors import UserError
from tests.engine.processes import run_processes

Outcome = Literal["right", "refused", "wrong", "traceback"]
MOST_IN_A_BATCH = 1e-3
"""Relative difference of an item's features alone and in a batch of others."""
MOST_BY_PROCESSES = 1e-4
"""Relative difference of the gradient of two processes and of one; in float64 where float32 rounds more away."""
MOST_IN_ONNX = 1e-5
"""Relative difference of an exported graph."""
STEPS = 2
LENGTHS = (5, 40, 17, 8)
"""Tokens of the texts that are trained on; there are as many images."""
ALONE = Processes(0, 1, torch.device("cpu"))


@dataclass(slots=True)
class Row:
    """What became of an encoder."""

    kind: str
    name: str
    outcome: Outcome = "traceback"
    said: str = ""
    """Why it is refused, or what is wrong."""
    model: str = ""
    pooling: str | None = None
    width: int = 0
    weights: int = 0
    unused: int = 0
    """Weights without influence, which are frozen."""
    in_a_batch: float | None = None
    """Relative difference of an item's features alone and in a batch."""
    two_processes: float | None = None
    """Relative difference of the gradients; None where it was not tried."""
    onnx: float | None = None
    """Relative difference of the exported graph's numbers; None where it was not tried, or refused."""
    onnx_said: str = ""
    seconds: float = 0.0


class WrongError(Exception):
    """The framework gives a wrong number, or none, without saying so."""


def try_encoder(case: Case, two_processes: bool, onnx: bool) -> Row:
    """Build, check, train, resume and export an encoder; raises what is neither right, wrong nor refused."""
    row = Row(case.kind, case.name)
    started = time.perf_counter()
    try:
        _try_all(case, row, two_processes, onnx)
        row.outcome = "right"
    except WrongError as error:
        row.outcome, row.said = "wrong", str(error)
    except UserError as error:
        row.outcome, row.said = "refused", str(error)
    row.seconds = time.perf_counter() - started
    return row


def _try_all(case: Case, row: Row, two_processes: bool, onnx: bool) -> None:
    encoder = _built(case, seed=0)
    (each,) = encoder.encoders()
    row.model, row.pooling, row.width = type(each.backbone).__name__, each.pooling, each.width
    row.weights = sum(parameter.numel() for parameter in each.parameters())
    items = _items(case)
    check_inputs(encoder, items)
    row.unused = len(freeze_unused(encoder, items))
    probe_encoders(encoder, items)
    batch = _pairs(case)
    if two_processes:
        row.two_processes = _difference_of_processes(encoder, batch)
        if row.two_processes > MOST_BY_PROCESSES:
            images = batch.items.images.double()
            exact = batch._replace(items=batch.items._replace(images=images))
            row.two_processes = _difference_of_processes(copy.deepcopy(encoder).double(), exact)
        _demand(row.two_processes <= MOST_BY_PROCESSES, f"two processes differ by {row.two_processes:.1e}")
    _train(encoder, batch)
    features = _features(encoder, batch.items)
    _demand(bool(features.isfinite().all()), "features are not finite after two steps")
    row.in_a_batch = _difference(_features(encoder, _only(batch.items, 0)), features[:1])
    _demand(row.in_a_batch <= MOST_IN_A_BATCH, f"items differ by {row.in_a_batch:.1e} with the others of a batch")
    resumed = _built(case, seed=1)
    check_inputs(resumed, items)
    state = safetensors.torch.load(safetensors.torch.save(distinct_state(encoder)))
    load_exactly(resumed, state, case.name)
    _demand(torch.equal(_features(resumed, batch.items), features), "a resumed encoder gives other features")
    if onnx:
        try:
            row.onnx = _difference_of_onnx(encoder.eval(), case, batch.items)
        except UserError as error:
            row.onnx_said = str(error)
        else:
            _demand(row.onnx <= MOST_IN_ONNX, f"ONNX differs by {row.onnx:.1e}")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WrongError(otherwise)


def _built(case: Case, seed: int) -> ItemEncoder:
    seed_everything(seed)
    return build_item_encoder(case.model, case.image)


def _items(case: Case) -> ItemTensors:
    frame = np.array([1, 5, 6, 2], np.int32)
    text = TextTokens(frame, np.array([0, len(frame)]), 0, MAX_TOKENS, VOCABULARY)
    image = None if case.is_text else case.image
    return ItemTensors(ItemCatalog([]), text if case.is_text else None, ImageFolder(Path()), image)


def _pairs(case: Case) -> PairBatch:
    """Return two pairs of four items."""
    generator = torch.Generator().manual_seed(7)
    count = len(LENGTHS)
    if case.is_text:
        ids = torch.randint(10, VOCABULARY, (count, max(LENGTHS)), generator=generator)
        is_token = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
        ids[:, 0] = 1
        ids[torch.arange(count), torch.tensor(LENGTHS) - 1] = 2
        ids, images = ids * is_token, torch.empty(count, 3, 0, 0)
    else:
        ids, is_token = torch.empty((count, 0), dtype=torch.int64), torch.empty((count, 0), dtype=torch.bool)
        images = torch.randn((count, 3, case.image.size, case.image.size), generator=generator)
    numbers = torch.arange(count)
    items = ItemBatch(images, ids, is_token, numbers, torch.zeros(count, dtype=torch.bool))
    same = torch.tensor([True, False])
    return PairBatch(items, numbers[::2], numbers[1::2], same, numbers // 2)


def _only(items: ItemBatch, place: int) -> ItemBatch:
    part = _part(items, place, place + 1)
    longest = int(part.attention_mask.sum())
    return part._replace(token_ids=part.token_ids[:, :longest], attention_mask=part.attention_mask[:, :longest])


def _part(items: ItemBatch, first: int, end: int) -> ItemBatch:
    return ItemBatch(*(tensor[first:end] if len(tensor) else tensor for tensor in items))


def _half(batch: PairBatch, number: int) -> PairBatch:
    pairs = len(batch.same) // 2
    rows, items = slice(number * pairs, (number + 1) * pairs), 2 * number * pairs
    return PairBatch(
        _part(batch.items, items, items + 2 * pairs),
        batch.source[rows] - items,
        batch.target[rows] - items,
        batch.same[rows],
        batch.group[items : items + 2 * pairs],
    )


@torch.no_grad()
def _features(encoder: ItemEncoder, items: ItemBatch) -> Tensor:
    return torch.cat([each(items) for each in encoder.eval().encoders()])


def _difference(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm().clamp_min(torch.finfo(torch.float32).tiny))


def _training_model(encoder: ItemEncoder) -> TrainingModel:
    return TrainingModel(encoder, SelfAdaptiveThresholdOptions(name="self_adaptive_threshold"), "float32")


def _train(encoder: ItemEncoder, batch: PairBatch) -> None:
    options = TrainOptions(steps=STEPS, optimizer=OptimizerOptions(name="adam", lr=1e-3))
    state = first_state(_training_model(encoder.train()), options, ALONE.device)
    train(state, state.model, iter([batch] * STEPS), options, 0, ALONE, lambda figures: None)
    _demand(math.isfinite(state.loss_sum.item()), "the loss is not finite")
    trained = {name: parameter for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    without = [name for name, parameter in trained.items() if parameter not in state.optimizer.state]
    _demand(not without, f"{len(without)} weights that are trained get no gradient: {', '.join(without[:2])}")


def _gradient(module: torch.nn.Module, batch: PairBatch) -> dict[str, Tensor]:
    torch.autograd.backward(module(batch).loss)
    inner = module.module if isinstance(module, DistributedDataParallel) else module
    return {name: parameter.grad for name, parameter in inner.named_parameters() if parameter.grad is not None}


def _difference_of_processes(encoder: ItemEncoder, batch: PairBatch) -> float:
    """Return how much the gradient of two processes with half the pairs each differs from that of one with all.

    In evaluation, since dropout is random and each process takes statistics of its own.
    """
    model = _training_model(encoder.eval())

    def action(processes: Processes, folder: Path) -> None:
        gradient = _gradient(data_parallel(model, processes), _half(batch, processes.rank))
        torch.save(gradient, folder / f"result{processes.rank}.pt")

    with tempfile.TemporaryDirectory() as folder:
        found = run_processes(2, action, Path(folder))[0]
    expected = _gradient(model, batch)
    model.zero_grad(set_to_none=True)
    _demand(found.keys() == expected.keys(), "two processes give other weights a gradient than one")
    return _difference(*(torch.cat([each[name].flatten() for name in expected]) for each in (found, expected)))


def _difference_of_onnx(encoder: ItemEncoder, case: Case, items: ItemBatch) -> float:
    """Return how much embeddings of the exported graph differ, for another number of items than it was written with."""
    import onnxruntime

    from tools.exchange.onnx_graph import write_graph

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "encoder.onnx")
        write_graph(encoder, _part(items, 0, 2), Modalities(text=case.is_text, image=not case.is_text), file)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        settings.log_severity_level = 3
        session = onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])
        given = {IMAGES: items.images, TOKEN_IDS: items.token_ids, ATTENTION_MASK: items.attention_mask}
        (found,) = session.run(None, {port.name: given[port.name].numpy() for port in session.get_inputs()})
    with torch.no_grad():
        expected = pack(encoder(items))
    return _difference(torch.from_numpy(found), expected)
