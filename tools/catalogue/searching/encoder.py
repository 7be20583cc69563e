"""The model that made the embeddings of an index, for its threshold and for items that are not in it."""

from dataclasses import replace
from pathlib import Path

from data.image_store import ImageFolder
from data.item import Item
from data.item_catalog import ItemCatalog
from data.item_tensors import ItemTensors, tokenize_catalog
from data.tokenizer import Tokenizer
from engine.decision_rule import DecisionRule, decision_rule
from engine.distributed import started_processes
from engine.encode import encode_items, encoding_plan
from engine.named_checkpoint import checkpoint_of, checkpoint_options
from engine.predictor import load_encoder
from engine.run_folder import run_folder
from models.item_encoder import ItemEncoder
from models.weights import weights_digest
from options.errors import UserError
from tools.catalogue.index_folder import CatalogueIndex
from tools.catalogue.search_backend import Numbers


def index_rule(index: CatalogueIndex, threshold: float | str, checkpoint: Path | None) -> tuple[DecisionRule, str]:
    """Return which margins mean the same product, and whence that is known.

    `threshold` is a number, or calibrated or learned: that of the checkpoint, by default the best one of the run that
    the embeddings are of. Raises UserError unless the embeddings are of the checkpoint.
    """
    if not isinstance(threshold, str):
        return DecisionRule(threshold), "as given"
    try:
        found = index_checkpoint(index, checkpoint)
        load_index_encoder(index, found, ItemTensors(ItemCatalog([]), None, ImageFolder(Path()), None))
    except UserError as error:
        # Of embeddings by an exported encoder or a published .pth there is no checkpoint that could be named.
        raise UserError(f"{error}; or decide by a threshold of your own (--threshold NUMBER)") from error
    rule = decision_rule("learned" if threshold == "learned" else "calibrated", found)
    return rule, f"{threshold}, of {found}"


def index_checkpoint(index: CatalogueIndex, checkpoint: Path | None) -> Path:
    """Return the checkpoint that is named, or the best one of the run that the embeddings are of."""
    return checkpoint_of(checkpoint or run_folder(index.record.run).root)


def load_index_encoder(index: CatalogueIndex, checkpoint: Path, items: ItemTensors) -> ItemEncoder:
    """Return a checkpoint's encoder; raises UserError unless the embeddings are its."""
    encoder = load_encoder(checkpoint_options(checkpoint), checkpoint, items)
    if weights_digest(encoder) != index.record.weights:
        raise UserError(
            f"{checkpoint}: has other weights than those that the items of {index.path} were embedded with; name the "
            "checkpoint that they are of (--checkpoint), or embed and index again"
        )
    return encoder


def encode_item(index: CatalogueIndex, checkpoint: Path, item: Item, images: Path) -> Numbers:
    """Return the embedding of an item whose image is in a folder: (1, numbers an item), threshold half first.

    Raises UserError where the model reads images and the item names none, or an unreadable one.
    """
    options = checkpoint_options(checkpoint)
    if options.reads.image and not item.image:
        raise UserError(f"{checkpoint}: its model reads images; give that of the item (--image)")
    catalog = ItemCatalog([item])
    text = None
    if options.reads.text:
        tokenizer = Tokenizer(options.data.text.tokenizer, options.data.text.max_tokens)
        text = tokenize_catalog(catalog, tokenizer, options.data.text.attributes)
    image = options.data.image if options.reads.image else None
    items = ItemTensors(catalog, text, ImageFolder(images), image, attributes=options.reads.attributes)
    encoder = load_index_encoder(index, checkpoint, items)
    with started_processes() as processes:
        # A loader process for one item would take longer than the item.
        plan = replace(encoding_plan(options, options.prediction_precision, processes.device), workers=0)
        encoded = encode_items(encoder.to(processes.device), items, plan, processes, "encode")
    assert encoded is not None, "there is one process"
    numbers: Numbers = encoded.packed.numpy()
    return numbers
