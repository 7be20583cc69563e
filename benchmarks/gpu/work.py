"""Encoding and training in one way, on one device, with tensors that lie there."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import nn

from benchmarks.gpu.variants import GpuVariant
from benchmarks.speed.models import count_operations
from benchmarks.speed.settings import ModelSize
from data.options import ImageOptions
from data.pair_batch import ItemBatch, PairBatch
from engine.distributed import Processes
from engine.options import Precision, TrainOptions
from engine.precision import autocast
from engine.train_loop import StepFigures, train
from engine.training import first_state
from engine.training_model import TrainingModel, data_parallel
from losses.options import SelfAdaptiveThresholdOptions
from models.item_encoder import ItemEncoder, build_item_encoder
from models.options import ModelOptions

TOKENS = 64
"""Of each text; most listings have fewer."""
VOCABULARY = 21128
WARM_UP = 2


class Clock(Protocol):
    """Tells how much time lies between its marks."""

    def mark(self) -> None:
        """Note the time at which the device gets here."""

    def seconds(self) -> list[float]:
        """Return the times between the marks."""


class DeviceClock:
    """Events in the GPU's own queue, so that nobody waits between steps."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._events: list[torch.cuda.Event] = []

    def mark(self) -> None:
        """Put an event into the queue."""
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        self._events.append(event)

    def seconds(self) -> list[float]:
        """Wait for the GPU; return the times between the events."""
        torch.cuda.synchronize(self._device)
        return [first.elapsed_time(second) / 1000 for first, second in itertools.pairwise(self._events)]


class ProcessorClock:
    """The time of day, for the CPU."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def mark(self) -> None:
        """Note the time."""
        self._times.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Return the times between the marks."""
        return [second - first for first, second in itertools.pairwise(self._times)]


def clock(device: torch.device) -> Clock:
    """Return the clock for a device."""
    return DeviceClock(device) if device.type == "cuda" else ProcessorClock()


def run_variant(variant: GpuVariant, size: ModelSize, rounds: int, processes: Processes) -> list[float]:
    """Return the seconds of each round after some to warm up, in this process."""
    with _arithmetic(variant):
        encoder = build_item_encoder(ModelOptions.model_validate(size.model), ImageOptions()).to(processes.device)
        if not variant.fused_attention:
            write_out_attention(encoder)
        if variant.checkpointing:
            encoder.checkpoint_activations()
        if variant.work == "encoding":
            return _encode(variant, encoder, size, rounds, processes)
        return _train(variant, encoder, size, rounds, processes)


def operations_an_item(size: ModelSize, device: torch.device) -> float:
    """Return the floating point operations of encoding an invented item."""
    encoder = build_item_encoder(ModelOptions.model_validate(size.model), ImageOptions()).to(device).eval()
    items = invented_items(1, size.image_size, device)
    with torch.inference_mode():
        return count_operations(lambda: encoder(items))


def precision(variant: GpuVariant) -> Precision:
    """Return the precision option of a variant; tf32 is float32 whose products are rounded."""
    return "float32" if variant.arithmetic == "tf32" else variant.arithmetic


def write_out_attention(encoder: ItemEncoder) -> None:
    """Have text encoders compute their attention product by product."""
    for branch in (encoder.match, encoder.threshold):
        if branch is not None and branch.text_encoder is not None:
            backbone = branch.text_encoder.backbone
            assert isinstance(backbone, nn.Module)
            backbone.set_attn_implementation("eager")  # type: ignore[operator]


def invented_items(count: int, image_size: int, device: torch.device) -> ItemBatch:
    """Return noise of the shape of N items."""
    return ItemBatch(
        images=torch.randn(count, 3, image_size, image_size),
        token_ids=torch.randint(VOCABULARY, (count, TOKENS)),
        attention_mask=torch.ones((count, TOKENS), dtype=torch.bool),
        item=torch.arange(count),
        blank_image=torch.zeros(count, dtype=torch.bool),
    ).to(device)


def invented_pairs(count: int, image_size: int, device: torch.device) -> PairBatch:
    """Return noise of the shape of B pairs of different items."""
    number = torch.arange(count)
    items = invented_items(2 * count, image_size, torch.device("cpu"))
    return PairBatch(items, number, count + number, number % 2 == 0, torch.arange(2 * count)).to(device)


def _encode(
    variant: GpuVariant, encoder: ItemEncoder, size: ModelSize, rounds: int, processes: Processes
) -> list[float]:
    encoder.eval()
    items = invented_items(variant.batch_size, size.image_size, processes.device)
    module: Callable[[ItemBatch], object] = torch.compile(encoder) if variant.compiled else encoder
    ticks = clock(processes.device)
    with torch.inference_mode(), autocast(precision(variant), processes.device):
        for number in range(WARM_UP + rounds):
            if number >= WARM_UP:
                ticks.mark()
            module(items)
        ticks.mark()
    return ticks.seconds()


def _train(
    variant: GpuVariant, encoder: ItemEncoder, size: ModelSize, rounds: int, processes: Processes
) -> list[float]:
    options = TrainOptions(steps=WARM_UP + rounds, batch_size=variant.batch_size, precision=precision(variant))
    loss = SelfAdaptiveThresholdOptions(name="self_adaptive_threshold")
    model = TrainingModel(encoder, loss, options.precision).to(processes.device)
    state = first_state(model, options, processes.device)
    module = data_parallel(model, processes, variant.bucket_mebibytes, variant.static_graph)
    if variant.compiled:
        module.compile()
    ticks = clock(processes.device)

    def after_step(figures: StepFigures) -> None:
        if state.step >= WARM_UP:
            ticks.mark()

    pairs = invented_pairs(variant.batch_size, size.image_size, processes.device)
    train(state, module, itertools.repeat(pairs), options, 0, processes, after_step)
    return ticks.seconds()


@contextmanager
def _arithmetic(variant: GpuVariant) -> Iterator[None]:
    """Allow TF32 for this variant alone."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if variant.arithmetic == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = variant.arithmetic == "tf32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
