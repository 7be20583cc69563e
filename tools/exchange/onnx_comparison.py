"""Whether an exported encoder gives the embeddings of the one in PyTorch, and what int8 changes and gains."""

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from tqdm import tqdm

from data.item_pair import PairTable
from data.item_tensors import ItemTensors
from data.loading import Split, item_batches
from data.pair_sampler import encoding_batches
from engine.decision_rule import DecisionRule
from engine.encode import EncodedItems
from engine.evaluator import Evaluation, evaluation
from engine.onnx_encoder import OnnxItemEncoder
from engine.pair_scores import score_pairs
from models.embedding import ItemEmbedder, pack
from options.errors import UserError
from options.table import aligned_rows

BATCH_SIZES = (1, 2, 3, 5, 8, 16, 32)
TOLERANCE = 1e-4
"""Of the largest difference, relative to the largest number of the batch's embeddings."""
ROUNDINGS = 10
"""As often as PyTorch's own rounding a difference may be where items are so alike that a head shows little else."""


@dataclass(frozen=True, slots=True)
class BatchParity:
    """How far the two encoders are apart on a batch."""

    num_items: int
    num_tokens: int
    """Of the longest text; 0 without text."""
    largest_number: float
    """Absolute value in PyTorch's embeddings."""
    largest_difference: float
    """Absolute; not a number where either encoder's embeddings are not."""
    rounding: float = 0.0
    """Largest difference of PyTorch's embeddings from its own in float64; looked at where there is need."""

    @property
    def is_equal(self) -> bool:
        """Whether the difference is one of rounding."""
        return self.largest_difference <= max(TOLERANCE * self.largest_number, ROUNDINGS * self.rounding)


@torch.inference_mode()
def measure_parity(encoder: ItemEmbedder, exported: OnnxItemEncoder, items: ItemTensors) -> list[BatchParity]:
    """Encode batches of consecutive items with both, the first items again where there are too few."""
    found = []
    first = 0
    for size in tqdm(BATCH_SIZES, desc="compare", unit="batch", leave=False, disable=None):
        batch = items.batch([row % len(items.catalog) for row in range(first, first + size)])
        expected, given = pack(encoder(batch)), pack(exported(batch))
        difference = (given - expected).abs().max()
        parity = BatchParity(size, batch.token_ids.shape[1], float(expected.abs().max()), float(difference))
        if not parity.is_equal:
            exact = copy.deepcopy(encoder).double()(batch._replace(images=batch.images.double()))
            parity = replace(parity, rounding=float((pack(exact) - expected).abs().max()))
        found.append(parity)
        first += size
    return found


def parity_table(batches: Sequence[BatchParity]) -> str:
    """Return an aligned table, a batch a line."""
    rows: list[Sequence[str]] = [("items", "tokens", "largest number", "largest difference", "equal")]
    for batch in batches:
        sizes = str(batch.num_items), str(batch.num_tokens)
        figures = f"{batch.largest_number:.4f}", f"{batch.largest_difference:.2e}"
        rows.append((*sizes, *figures, "yes" if batch.is_equal else "no"))
    return aligned_rows(rows, left=(), ruled=True)


def refuse_difference(batches: Sequence[BatchParity]) -> None:
    """Raise UserError where a batch is not equal."""
    sizes = [str(batch.num_items) for batch in batches if not batch.is_equal]
    if sizes:
        raise UserError(
            f"the exported encoder differs from PyTorch's by more than {TOLERANCE:g} of the largest number in batches "
            f"of {', '.join(sizes)} items: nothing was kept. Another version of torch or onnxruntime may do better "
            "(requirements-onnx.txt names those that were tried)"
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """What an encoder does."""

    name: str
    evaluation: Evaluation
    """At the decision rule of the checkpoint."""
    largest_difference: float
    """Of a margin from that of the first encoder, absolute."""
    num_changed: int
    """Pairs decided otherwise than by the first encoder."""
    items_per_second: float
    """Without reading and tokenising."""


@torch.inference_mode()
def measure_effects(
    encoders: Mapping[str, ItemEmbedder], split: Split, rule: DecisionRule, num_pairs: int, batch_size: int
) -> list[Effect]:
    """Encode the items of a labelled split's first pairs with each encoder, in turns by batch, and decide these."""
    assert split.pairs.same is not None
    same = split.pairs.same[:num_pairs]
    pairs = PairTable(split.pairs.source[:num_pairs], split.pairs.target[:num_pairs], same)
    rows = np.unique(np.concatenate([pairs.source, pairs.target]))
    lengths = split.items.token_lengths()[rows]
    batches = [rows[places].tolist() for places in encoding_batches(lengths, batch_size)]
    packed = {
        name: torch.zeros(len(split.catalog), encoder.threshold_width + encoder.match_width)
        for name, encoder in encoders.items()
    }
    seconds = dict.fromkeys(encoders, 0.0)
    with tqdm(total=len(rows), desc="measure", unit="item", leave=False, disable=None) as progress:
        for batch in item_batches(split.items, batches, workers=0, pin=False):
            for name, encoder in encoders.items():
                started = time.perf_counter()
                packed[name][batch.item] = pack(encoder(batch))
                seconds[name] += time.perf_counter() - started
            progress.update(len(batch.item))
    thresholds = rule.thresholds(replace(split, pairs=pairs))
    blank_image = torch.zeros(len(split.catalog), dtype=torch.bool)
    effects: list[Effect] = []
    reference = None
    for name, encoder in encoders.items():
        items = EncodedItems(packed[name], blank_image)
        margins = score_pairs(items, pairs, encoder.threshold_width).margin
        reference = margins if reference is None else reference
        effects.append(
            Effect(
                name=name,
                evaluation=evaluation(margins, same, rule.threshold, thresholds),
                largest_difference=float(np.abs(margins - reference).max()),
                num_changed=int(np.count_nonzero((margins > thresholds) != (reference > thresholds))),
                items_per_second=len(rows) / seconds[name],
            )
        )
    return effects


def effect_table(effects: Sequence[Effect], figures_of: str = "") -> str:
    """Return an aligned table, an encoder a line; the names of the figures begin with `figures_of`."""
    names = [figures_of + name for name in ("F1", "precision", "recall")]
    rows: list[Sequence[str]] = [("encoder", *names, "largest Δ margin", "decided otherwise", "items/s", "ratio")]
    for effect in effects:
        found = effect.evaluation
        figures = [f"{figure:.4f}" for figure in (found.f1, found.precision, found.recall)]
        changes = f"{effect.largest_difference:.2e}", f"{effect.num_changed:,} of {found.num_pairs:,}"
        ratio = effect.items_per_second / effects[0].items_per_second
        rows.append((effect.name, *figures, *changes, f"{effect.items_per_second:,.1f}", f"{ratio:.2f}"))
    return aligned_rows(rows, ruled=True)
