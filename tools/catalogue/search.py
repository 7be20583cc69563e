"""Looking for items in an index: what is near them, with verdicts, as a table and as lines of JSON."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from data.item import Item, parse_attributes
from engine.decision_rule import DecisionRule, ThresholdChoice
from engine.pair_scores import pair_category
from engine.run_folder import run_folder
from engine.run_identity import differences, shown_value
from engine.verifier import Verifier
from models.embedding import pack
from models.weights import weights_digest
from options.errors import UserError
from options.printable import printable, quoted, shortened
from options.table import aligned_rows
from tools.catalogue.index_folder import CatalogueIndex
from tools.catalogue.index_plan import KINDS
from tools.catalogue.index_record import IndexedItem
from tools.catalogue.rescored_search import POOL, RescoredSearch
from tools.catalogue.search_backend import MOST_NEIGHBOURS, Neighbour, Numbers


class FoundItem(NamedTuple):
    """An item that a query found."""

    query: str
    """An item's id, or empty for one that is not in the catalogue."""
    rank: int
    """From 1."""
    item_id: str
    category: str
    margin: float
    threshold: float
    """That the margin has to exceed."""
    same: bool
    """Whether it does, or both have the same text and picture: the identical product."""


def neighbours_of(index: CatalogueIndex, item_ids: list[str], k: int) -> dict[str, list[Neighbour]]:
    """Return the k items that have the highest margins with each of some, without that one itself, by its id.

    Raises UserError for an id that the index lacks.
    """
    if missing := [item_id for item_id in item_ids if item_id not in index.rows]:
        raise UserError(f"{index.path}: has no item {quoted(missing[0])}; give --image and --title for a new one")
    packed = index.numbers.take([index.rows[item_id] for item_id in item_ids])
    found = _thorough(index).search(packed, k + 1)
    return {
        query: [neighbour for neighbour in own if neighbour.item_id != query][:k]
        for query, own in zip(item_ids, found, strict=True)
    }


def new_neighbours(
    index: CatalogueIndex, checkpoint: Path | None, title: str, attributes: Iterable[str], image: Path | None, k: int
) -> list[Neighbour]:
    """Return the k items that have the highest margins with one that is not in the index, its attributes as KEY=VALUE.

    Raises UserError for a checkpoint that the index is not of, where the model reads images and none is given, and for
    one that is missing or unreadable.
    """
    pairs = (text.partition("=") for text in attributes)
    parsed = parse_attributes(";".join(f"{key}:{value}" for key, _, value in pairs), "")
    image = image or Path()
    item = Item("", title, parsed, "", image.name)
    return _thorough(index).search(encode_item(index, checkpoint, item, image.parent), k)[0]


def _thorough(index: CatalogueIndex) -> RescoredSearch:
    return replace(index.searcher, is_thorough=True)


def shortfalls(index: CatalogueIndex, found: Mapping[str, Sequence[Neighbour]], k: int) -> Iterator[str]:
    """Yield a sentence for each query that has fewer neighbours than were asked for, though there are more items."""
    record = index.record
    for query, own in found.items():
        there = len(index.rows) - bool(query)
        if len(own) < min(k, there):
            asked = min(k, there)
            reason = f"an approximate index looks through a part of them, {POOL:,} at most"
            if record.backend == "faiss" and KINDS[record.faiss_kind].has_lists:
                looked = min(record.probes, record.lists)
                reason = f"it looks through {looked:,} of {record.lists:,} lists, which catalogue index --probes sets"
            if record.is_exact:
                reason = f"Milvus gives {MOST_NEIGHBOURS:,} at most"
            name = quoted(query) if query else "the item"
            yield f"{name}: the index found {len(own):,} of the {asked:,} items that were asked for: {reason}"


def encode_item(index: CatalogueIndex, checkpoint: Path | None, item: Item, images: Path) -> Numbers:
    """Return the embedding of such an item: (1, numbers an item), threshold half first."""
    verifier = _verifier(index, checkpoint)
    if verifier.options.reads.image and not item.image:
        raise UserError(f"{verifier.checkpoint}: its model reads images; give that of the item (--image)")
    packed: Numbers = pack(verifier.encode([item], images)).numpy()
    return packed


def index_rule(index: CatalogueIndex, threshold: ThresholdChoice, checkpoint: Path | None) -> tuple[DecisionRule, str]:
    """Return which margins mean the same product, and whence that is known.

    `threshold` is a number, or calibrated or learned: that of the checkpoint, by default the best one of the run that
    the embeddings are of. Raises UserError unless the embeddings are of the checkpoint.
    """
    if not isinstance(threshold, str):
        return DecisionRule(threshold), "as given"
    try:
        verifier = _verifier(index, checkpoint, threshold)
    except UserError as error:
        # Of embeddings by a published .pth there is no checkpoint that could be named.
        raise UserError(f"{error}; or decide by a threshold of your own (--threshold NUMBER)") from error
    return verifier.rule, f"{threshold}, of {verifier.checkpoint}"


def _verifier(index: CatalogueIndex, checkpoint: Path | None, threshold: ThresholdChoice = 0.0) -> Verifier:
    """Return the model of a checkpoint, or the best one of the run that the embeddings are of.

    Raises UserError unless the embeddings are its.
    """
    path = checkpoint or run_folder(index.record.run).root
    verifier = Verifier.load(path, threshold=threshold, second_stage=False)
    if weights_digest(verifier.encoder) != index.record.weights:
        raise UserError(
            f"{verifier.checkpoint}: has other weights than those that the items of {index.path} were embedded with; "
            "name the checkpoint that they are of (--checkpoint), or embed and index again"
        )
    kept, own = index.record.options, verifier.options.encoding
    changes = differences(kept, {**own, "predict": kept["predict"]}, users_keys=True) if kept is not None else ()
    if other := [f"{key}: {shown_value(old)}, its own {shown_value(new)}" for key, old, new in changes]:
        message = (
            f"{verifier.checkpoint}: the items of {index.path} were embedded by other options than its own: "
            f"{'; '.join(other)}"
        )
        if threshold == "calibrated":
            raise UserError(f"{message}. Its calibrated threshold was chosen on other margins; embed and index again")
        print(f"warning: {printable(message)}", file=sys.stderr)
    return verifier


def judged(
    index: CatalogueIndex, rule: DecisionRule, found: Mapping[str, Iterable[Neighbour]], new_category: str = ""
) -> Iterator[FoundItem]:
    """Yield what each query found, the highest margin first; `new_category` is that of an item not in the index."""
    for query, neighbours in found.items():
        asked = index.items[index.rows[query]] if query else IndexedItem("", new_category, "", None)
        for rank, (item_id, margin) in enumerate(neighbours, start=1):
            own = index.items[index.rows[item_id]]
            threshold = float(rule.thresholds_of([pair_category(asked.category, own.category)])[0])
            same = margin > threshold or (own.content != "" and own.content == asked.content)
            yield FoundItem(query, rank, item_id, own.category, margin, threshold, same)


def found_table(found: Iterable[FoundItem]) -> str:
    """Return a line for each item."""
    rows = [("query", "rank", "item", "category", "margin", "threshold", "verdict")]
    rows += [
        (
            shortened(item.query, 40),
            str(item.rank),
            shortened(item.item_id, 40),
            shortened(item.category, 20),
            f"{item.margin:.4f}",
            f"{item.threshold:.4f}",
            "same" if item.same else "different",
        )
        for item in found
    ]
    return aligned_rows(rows, left=(0, 2, 3, 6), ruled=True)


def found_lines(found: Iterable[FoundItem]) -> Iterator[str]:
    """Yield a line of JSON for each item."""
    return (json.dumps(item._asdict(), ensure_ascii=False) for item in found)
