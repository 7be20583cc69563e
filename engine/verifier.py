"""A trained model that one loads and asks: are two items the identical product?

    verifier = Verifier.load("experiments/demo")
    score = verifier.score([item], [other], images="datasets/demo/item_images")

Letters of shapes: B pairs, N items, D embedding width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from data.image_store import GivenImages, ImageSource, Picture
from data.item import Item
from data.item_catalog import ItemCatalog, item_fields
from data.item_pair import PairTable
from data.item_tensors import ItemTensors
from data.loading import ItemPreparation
from engine.checkpoint import STATE, read_state
from engine.decider import Decider
from engine.decider_file import find_decider
from engine.decision_rule import DecisionRule, Decisions, ThresholdChoice, decision_rule
from engine.distributed import Processes, this_process
from engine.encode import EncodedItems, EncodingPlan, encode_items, encoding_plan
from engine.experiment import ExperimentOptions
from engine.known_features import with_features
from engine.named_checkpoint import chosen_checkpoint, load_encoder, named_checkpoint
from engine.onnx_encoder import DESCRIPTION, OPTIONS, OnnxItemEncoder
from engine.pair_scores import pair_category, score_pairs
from engine.stop_request import StopRequest
from engine.threshold_origin import check_use
from models.embedding import ItemEmbedder, ItemEmbedding, PairScore, unpack
from models.item_encoder import ItemEncoder
from options.errors import UserError
from options.read import read_options

Items = Sequence[Item | Mapping[str, object]]
"""Items, or dictionaries as the lines of an item file have them."""
Images = Path | str | ImageSource | Mapping[str, Picture]
"""A folder or pack of pictures, or pictures (paths, bytes, opened images) by the items' image names."""
FEW_BATCHES = 4
"""Up to which loader processes would take longer to start than the items to load."""


@dataclass(frozen=True, slots=True, eq=False)
class Verifier:
    """A trained model with all that it takes to give it items."""

    options: ExperimentOptions
    checkpoint: Path
    step: int | None
    """Of training; None where the checkpoint does not say."""
    encoder: ItemEmbedder
    rule: DecisionRule
    preparation: ItemPreparation
    processes: Processes
    decider: Decider | None = None
    """The second stage; None to decide by the margin alone."""
    log_odds_threshold: float = 0.0
    """Of the second stage."""

    @classmethod
    def load(
        cls,
        path: Path | str,
        options: ExperimentOptions | Path | str | None = None,
        threshold: ThresholdChoice | None = None,
        processes: Processes | None = None,
        *,
        second_stage: bool = True,
    ) -> Verifier:
        """Load a run's folder (its best checkpoint), a checkpoint, an exported ONNX folder, or a published .pth.

        The options are those that the checkpoint keeps; a published .pth needs those of its option file. The threshold
        is a number, `calibrated` or `learned`; without it the calibrated one, or predict.threshold where the checkpoint
        was not evaluated. Without `second_stage` the margin alone decides, whatever predict.decider says, so that a
        checkpoint need not have one. Raises UserError for a checkpoint and options that the user has to mend.
        """
        path = Path(path)
        if isinstance(options, Path | str):
            options = read_options(ExperimentOptions, Path(options))
        if (path / DESCRIPTION).is_file():
            return _load_exported(path, options, threshold, processes or this_process())
        checkpoint, options = named_checkpoint(path, options)
        state = read_state(checkpoint) if (checkpoint / STATE).is_file() else None
        if threshold is None:
            is_evaluated = state is not None and state.evaluation is not None
            threshold = "calibrated" if is_evaluated else options.predict.threshold
        decider = find_decider(checkpoint) if second_stage and options.predict.decider is not None else None
        decides = (decider, decider.threshold(threshold)) if decider is not None else ()
        # A number is the second stage's where there is one.
        by_margin = threshold if decider is None or isinstance(threshold, str) else "calibrated"
        rule = decision_rule(by_margin, checkpoint)
        processes = processes or this_process()
        check_use(checkpoint, options, threshold, speaks=processes.is_first)
        preparation = ItemPreparation(options.data, options.reads)
        encoder = load_encoder(checkpoint, options, preparation)
        step = state.step if state is not None else None
        encoder = encoder.eval().to(processes.device)
        return cls(options, checkpoint, step, encoder, rule, preparation, processes, *decides)

    @classmethod
    def chosen_by(cls, options: ExperimentOptions, processes: Processes | None = None) -> Verifier:
        """Load the checkpoint of predict.checkpoint with predict.threshold; raises UserError as load does."""
        return cls.load(chosen_checkpoint(options), options, options.predict.threshold, processes)

    @property
    def threshold(self) -> float:
        """The margin above which a pair is the same product, unless its category has one of its own.

        With a second stage the log-odds.
        """
        return self.rule.threshold if self.decider is None else self.log_odds_threshold

    @property
    def plan(self) -> EncodingPlan:
        """How items are encoded, in the arithmetic of prediction."""
        return encoding_plan(self.options, self.options.prediction_precision, self.processes.device)

    def encode(self, items: Items, images: Images | None = None, show_progress: bool = False) -> ItemEmbedding:
        """Return the embeddings of N items, on the CPU: (N, D) each, the threshold's (N, 0) without that branch.

        Any number of items, batched in the order of their lengths. Raises UserError for an item that cannot be read.
        """
        catalog = ItemCatalog(self._items(items))
        encoded = self.encode_tensors(self.tensors(catalog, images), show_progress)
        return unpack(encoded.packed, self.encoder.threshold_width)

    def score(self, source_items: Items, target_items: Items, images: Images | None = None) -> PairScore:
        """Return the scores of B pairs, source i with target i, in float64 on the CPU: (B,) each.

        Each distinct item is encoded once. Raises UserError for an item that cannot be read, and for embeddings that
        are not finite.
        """
        catalog, pairs = _paired(self._items(source_items), self._items(target_items))
        encoded = self.encode_tensors(self.tensors(catalog, images))
        scores = score_pairs(encoded, pairs, self.encoder.threshold_width)
        return PairScore(torch.from_numpy(scores.match), torch.from_numpy(scores.threshold))

    def decide(self, source_items: Items, target_items: Items, images: Images | None = None) -> NDArray[np.bool_]:
        """Tell of B pairs which are the same product: (B,); thresholds of categories are applied."""
        catalog, pairs = _paired(self._items(source_items), self._items(target_items))
        items = self.with_features(self.tensors(catalog, images))
        margins = score_pairs(self.encode_tensors(items), pairs, self.encoder.threshold_width).margin
        return self.decisions(items, pairs, margins).same

    def with_features(self, items: ItemTensors, stop: StopRequest | None = None) -> ItemTensors:
        """Return items with the features of frozen encoders, where a second stage decides by them.

        Every process has to call this. Raises StoppedError where any is asked to stop.
        """
        if self.decider is None or self.decider.blocks is None or items.known is not None:
            return items
        assert isinstance(self.encoder, ItemEncoder), "exported encoders have no second stage"
        folder = self.options.train.frozen_features
        return with_features(items, self.encoder, folder, self.plan, self.processes, "frozen features", stop)

    def decisions(self, items: ItemTensors, pairs: PairTable, margins: NDArray[np.float64]) -> Decisions:
        """Return what is decided of B pairs of items by their margins (B,), and by the second stage if there is one.

        For that the items have to come from with_features.
        """
        if self.decider is not None:
            values = self.decider.log_odds(items, pairs, margins)
            return Decisions(values, np.full(len(pairs), self.threshold), margins)
        names = [item.category for item in items.catalog]
        ends = zip(pairs.source.tolist(), pairs.target.tolist(), strict=True)
        thresholds = self.rule.thresholds_of([pair_category(names[source], names[target]) for source, target in ends])
        return Decisions(margins, thresholds, margins)

    def tensors(self, catalog: ItemCatalog, images: Images | None, *, blank_bad_images: bool = False) -> ItemTensors:
        """Return the maker of batches of a catalogue, each of whose pictures is read once."""
        return self.preparation.tensors(
            catalog, self._image_source(images), read_once=True, blank_bad_images=blank_bad_images
        )

    def encode_tensors(self, items: ItemTensors, show_progress: bool = False) -> EncodedItems:
        """Return the embeddings of the items of a maker of batches, in its order."""
        plan = self.plan
        if len(items.catalog) <= FEW_BATCHES * plan.batch_size:
            plan = replace(plan, workers=0)
        encoded = encode_items(self.encoder, items, plan, self.processes, "encode" if show_progress else None)
        assert encoded is not None, "several processes share their work through engine.encode"
        return encoded

    def _items(self, items: Items) -> list[Item]:
        """Return items of items or dictionaries; raises DataError for a dictionary that is no line of an item file."""
        return [item if isinstance(item, Item) else self._item(item, number) for number, item in enumerate(items, 1)]

    def _item(self, record: Mapping[str, object], number: int) -> Item:
        # An item that is asked about need not have an id, nor a picture that is not read.
        has_image = self.options.reads.image
        return item_fields(Path("items"), number, {"item_id": str(number), **record}, has_image=has_image).item()

    def _image_source(self, images: Images | None) -> ImageSource:
        if images is None:
            if self.options.reads.image:
                raise UserError(
                    f"{self.checkpoint}: the model reads pictures: give images, a folder or pack of them or pictures "
                    "by the items' item_image_name"
                )
            return GivenImages({})
        if isinstance(images, Path | str):
            return self.preparation.open_images(Path(images))
        return GivenImages(images, self.options.data.image.rules) if isinstance(images, Mapping) else images


def _load_exported(
    folder: Path, options: ExperimentOptions | None, threshold: ThresholdChoice | None, processes: Processes
) -> Verifier:
    encoder = OnnxItemEncoder(folder)
    if options is None:
        options = read_options(ExperimentOptions, folder / OPTIONS)
    options = encoder.prepared(options)
    if threshold == "learned":
        raise UserError(f"{folder}: an exported encoder keeps the calibrated threshold alone; give that, or a number")
    rule = encoder.rule if threshold is None or isinstance(threshold, str) else DecisionRule(threshold)
    preparation = ItemPreparation(options.data, options.reads)
    return Verifier(options, folder, encoder.description.step, encoder, rule, preparation, processes)


def _paired(sources: Sequence[Item], targets: Sequence[Item]) -> tuple[ItemCatalog, PairTable]:
    """Return the distinct items of pairs, and the pairs as their rows."""
    if len(sources) != len(targets):
        raise ValueError(f"{len(sources)} source items and {len(targets)} target items do not make pairs")
    rows: dict[object, int] = {}
    distinct: list[Item] = []
    for item in (*sources, *targets):
        if (key := (item.item_id, item.content)) not in rows:
            rows[key] = len(distinct)
            distinct.append(item)
    source, target = (
        np.array([rows[item.item_id, item.content] for item in side], np.int64) for side in (sources, targets)
    )
    return ItemCatalog(distinct), PairTable(source, target, None)
