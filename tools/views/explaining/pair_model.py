"""A trained model that judges pairs of any items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.given_images import GivenImages
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_pair import PairTable
from data.item_tensors import ItemTensors, tokenize_catalog
from data.options import ImageOptions
from data.tokenizer import Tokenizer
from engine.decision_rule import DecisionRule
from engine.distributed import Processes
from engine.encode import EncodingPlan, encode_items, encoding_plan
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import load_checkpoint_weights, named_checkpoint
from engine.pair_scores import PairScores, score_pairs
from engine.validation_scores import pair_category
from models.input_check import check_inputs
from models.item_encoder import ItemEncoder, build_item_encoder, with_random_weights
from options.read import read_options


@dataclass(frozen=True, slots=True)
class PairModel:
    """The encoder of a checkpoint with all that it takes to give it items."""

    options: ExperimentOptions
    encoder: ItemEncoder
    tokenizer: Tokenizer | None
    """None for a model of pictures alone."""
    rule: DecisionRule
    plan: EncodingPlan
    processes: Processes

    @property
    def image(self) -> ImageOptions | None:
        """How pictures become tensors; None for a model of texts alone."""
        return self.options.data.image if self.options.reads.image else None

    @property
    def reads_titles(self) -> bool:
        """Whether the title of an item counts: in its text, or for what it states."""
        return self.tokenizer is not None or len(self.options.reads.attributes.in_title) > 0

    @property
    def attributes(self) -> Sequence[str]:
        """Names of the attributes that the model reads, in its text or by themselves."""
        reads = self.options.reads
        return [*(self.options.data.text.attributes if reads.text else ()), *reads.attributes.names]

    def score(self, items: Sequence[Item], pictures: Mapping[str, NDArray[np.uint8]], pairs: PairTable) -> PairScores:
        """Encode each of N items once, in batches, and score B pairs of them.

        `pictures` are (size, size, 3) by the items' image names; an item without one counts as one of an unreadable
        image. Raises UserError for embeddings that are not finite.
        """
        tensors = self.tensors(items, pictures)
        encoded = encode_items(self.encoder, tensors, self.plan, self.processes, "encode")
        assert encoded is not None, "there is one process"
        return score_pairs(encoded, pairs, self.encoder.threshold_width)

    def decision_threshold(self, source: Item, target: Item) -> float:
        """Return the threshold of the margin of a pair."""
        return float(self.rule.thresholds_of([pair_category(source.category, target.category)])[0])

    def tensors(self, items: Sequence[Item], pictures: Mapping[str, NDArray[np.uint8]]) -> ItemTensors:
        """Return the maker of batches of items, as score has them."""
        catalog = ItemCatalog(items)
        text = None
        if self.tokenizer is not None:
            text = tokenize_catalog(catalog, self.tokenizer, self.options.data.text.attributes)
        image = None
        if self.image is not None:
            image = self.image.model_copy(update={"keep_in_memory": False, "on_bad_image": "blank"})
        return ItemTensors(catalog, text, GivenImages(pictures), image, attributes=self.options.reads.attributes)


def load_pair_model(path: Path, option_file: Path | None, processes: Processes) -> PairModel:
    """Return the model of a checkpoint, or of the best one of a run's folder.

    The options are those that the checkpoint keeps, or those of a file for one that keeps none, such as a published
    .pth. Raises UserError for a checkpoint and options that the user has to mend.
    """
    given = read_options(ExperimentOptions, option_file) if option_file is not None else None
    checkpoint = named_checkpoint(path, given)
    options = checkpoint.options
    tokenizer = Tokenizer(options.data.text.tokenizer, options.data.text.max_tokens) if options.reads.text else None
    encoder = build_item_encoder(with_random_weights(options.model))
    # Loader processes would take longer to start than a few items to load.
    plan = replace(encoding_plan(options, options.prediction_precision, processes.device), workers=0)
    model = PairModel(options, encoder, tokenizer, checkpoint.rule, plan, processes)
    check_inputs(encoder, model.tensors([Item("", "", {}, "", "")], {}))
    load_checkpoint_weights(checkpoint.path, encoder, options.model)
    encoder.to(processes.device)
    return model
