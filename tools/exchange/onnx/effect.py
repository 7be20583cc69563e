"""What encoders decide on validation pairs, and how fast they are."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from data.item_pair import PairTable
from data.loading import Split, item_batches
from data.pair_sampler import encoding_batches
from engine.decision_rule import DecisionRule
from engine.encode import EncodedItems
from engine.evaluator import Evaluation, evaluation
from engine.pair_scores import score_pairs
from models.embedding import pack
from models.item_embedder import ItemEmbedder
from options.table import aligned_rows


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


def first_pairs(pairs: PairTable, count: int) -> PairTable:
    """Return the first pairs of a labelled table, all where it has fewer."""
    assert pairs.same is not None
    return PairTable(pairs.source[:count], pairs.target[:count], pairs.same[:count])


@torch.inference_mode()
def measure_effects(
    encoders: Mapping[str, ItemEmbedder], split: Split, rule: DecisionRule, batch_size: int
) -> list[Effect]:
    """Encode the items of a labelled split's pairs with each encoder, in turns batch by batch, and decide the pairs."""
    rows = np.unique(np.concatenate([split.pairs.source, split.pairs.target]))
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
    return _effects(encoders, packed, {name: len(rows) / seconds[name] for name in encoders}, split, rule)


def _effects(
    encoders: Mapping[str, ItemEmbedder],
    packed: Mapping[str, torch.Tensor],
    speed: Mapping[str, float],
    split: Split,
    rule: DecisionRule,
) -> list[Effect]:
    assert split.pairs.same is not None
    thresholds = rule.thresholds(split)
    blank_image = torch.zeros(len(split.catalog), dtype=torch.bool)
    effects: list[Effect] = []
    reference = None
    for name, encoder in encoders.items():
        items = EncodedItems(packed[name], blank_image)
        margins = score_pairs(items, split.pairs, encoder.threshold_width).margin
        reference = margins if reference is None else reference
        effects.append(
            Effect(
                name=name,
                evaluation=evaluation(margins, split.pairs.same, rule.threshold, thresholds),
                largest_difference=float(np.abs(margins - reference).max()),
                num_changed=int(np.count_nonzero((margins > thresholds) != (reference > thresholds))),
                items_per_second=speed[name],
            )
        )
    return effects


def effect_table(effects: Sequence[Effect]) -> str:
    """Return an aligned table, an encoder a line."""
    rows = [("encoder", "F1", "precision", "recall", "largest Δ margin", "decided otherwise", "items/s", "ratio")]
    rows += [
        (
            effect.name,
            f"{effect.evaluation.f1:.4f}",
            f"{effect.evaluation.precision:.4f}",
            f"{effect.evaluation.recall:.4f}",
            f"{effect.largest_difference:.2e}",
            f"{effect.num_changed:,} of {effect.evaluation.num_pairs:,}",
            f"{effect.items_per_second:,.1f}",
            f"{effect.items_per_second / effects[0].items_per_second:.2f}",
        )
        for effect in effects
    ]
    return aligned_rows(rows, ruled=True)
