"""The ways of running the model on GPUs that are compared: a plain one, and each change of it by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.training_model import BUCKET_MEBIBYTES

Arithmetic = Literal["float32", "tf32", "bfloat16", "float16"]
Work = Literal["encoding", "training"]
OTHER_BUCKETS = (5, 100)
"""Mebibytes."""


@dataclass(frozen=True, slots=True)
class GpuVariant:
    """One way of encoding or training."""

    work: Work
    batch_size: int
    """Items in encoding, pairs in training, of each process."""
    arithmetic: Arithmetic = "float32"
    fused_attention: bool = True
    """Whether the text encoder's attention is torch's fused one (SDPA) or written out."""
    compiled: bool = False
    checkpointing: bool = False
    num_gpus: int = 1
    """Processes, each with a GPU of its own."""
    bucket_mebibytes: int = BUCKET_MEBIBYTES
    """Of gradients that are sent together."""
    static_graph: bool = False
    """Whether torch is told that every step uses the same weights."""

    @property
    def title(self) -> str:
        """The way in words."""
        parts = [self.arithmetic, f"batch {self.batch_size}"]
        parts += ["attention written out"] if not self.fused_attention else []
        parts += ["compiled"] if self.compiled else []
        parts += ["activation checkpointing"] if self.checkpointing else []
        parts += [f"{self.num_gpus} GPUs"] if self.num_gpus > 1 else []
        parts += [f"buckets of {self.bucket_mebibytes} MiB"] if self.bucket_mebibytes != BUCKET_MEBIBYTES else []
        parts += ["static graph"] if self.static_graph else []
        return ", ".join(parts)


def all_variants(
    encoding_batches: Sequence[int], training_batches: Sequence[int], num_gpus: Sequence[int]
) -> list[GpuVariant]:
    """Return what to measure; the first of each kind of work is the one that the others are compared with.

    The first batch sizes are taken where something else is changed.
    """
    variants = []
    works: tuple[tuple[Work, Sequence[int]], ...] = (("encoding", encoding_batches), ("training", training_batches))
    for work, batches in works:
        plain = GpuVariant(work, batches[0])
        fast = replace(plain, arithmetic="bfloat16")
        variants += [plain, *(replace(plain, arithmetic=kind) for kind in ("tf32", "bfloat16", "float16"))]
        variants += [replace(way, fused_attention=False) for way in (plain, fast)]
        variants += [replace(way, compiled=True) for way in (plain, fast)]
        variants += [replace(way, checkpointing=True) for way in (plain, fast) if work == "training"]
        variants += [replace(way, batch_size=size) for way in (plain, fast) for size in batches[1:]]
        several = [count for count in num_gpus if count > 1]
        variants += [replace(way, num_gpus=count) for way in (plain, fast) for count in several]
        if work == "training" and several:
            variants += exchanges(replace(fast, num_gpus=several[-1]))
    return variants


def exchanges(way: GpuVariant) -> list[GpuVariant]:
    """Return other ways of exchanging the gradients of several processes."""
    return [*(replace(way, bucket_mebibytes=size) for size in OTHER_BUCKETS), replace(way, static_graph=True)]
