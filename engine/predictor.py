"""Embeddings of all items of a split and decisions on its pairs, as a submission file."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from data.loading import ItemPreparation, Split
from engine.decision_rule import Decisions
from engine.disk import sole_user, whole_file, write_json, write_text
from engine.distributed import Processes, from_first
from engine.encode import EncodedItems, EncodedRound, embedding_width, encoded_rounds, in_catalogue_order
from engine.encoding_progress import EncodingProgress, encoding_key
from engine.evaluator import Evaluation, evaluation
from engine.experiment import ExperimentOptions
from engine.pair_scores import score_pairs
from engine.run_folder import run_folder
from engine.stop_request import StopRequest
from engine.threshold_origin import is_fitted_to
from engine.verifier import Verifier
from options.errors import UserError

SIMILARITY = Path(__file__).with_name("similarity.txt").read_text(encoding="utf-8")
"""The similarity.py that goes with a submission file."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a prediction wrote and found."""

    file: Path
    num_pairs: int
    num_positives: int
    """Pairs decided to be the same product."""
    threshold: float
    """Of the margin, or of the second stage's log-odds; of pairs whose category has none of its own."""
    evaluation: Evaluation | None
    """Figures of these decisions, where the pairs are labelled both ways."""
    is_fitted: bool
    """Whether the threshold was chosen on these very pairs."""
    num_blank_images: int


def run_prediction(
    options: ExperimentOptions, processes: Processes, stop: StopRequest | None = None
) -> Prediction | None:
    """Write the submission file; the first process gets what was found, the others None.

    What is encoded is kept in a file beside the submission until that is whole, so that a prediction that was killed
    or stopped goes on. Raises UserError for files, options and checkpoints that the user has to mend, and StoppedError.
    """
    verifier = Verifier.chosen_by(options, processes)
    encoder = verifier.encoder
    split = split_to_predict(options, verifier.preparation)
    is_calibrated = options.predict.threshold == "calibrated"
    is_fitted = is_calibrated and is_fitted_to(verifier.checkpoint, split, options.data, options.predict.split)
    file = options.predict.output or run_folder(options.name).predictions / f"{options.predict.split}.jsonl"
    similarity = SIMILARITY.format(threshold_width=encoder.threshold_width)
    lock = file.with_name(f".{file.name}.lock")
    with sole_user(lock, f"predicts {file.name}") if processes.is_first else nullcontext():
        if processes.is_first:
            _check_neighbours(file, similarity)
            for warning in verifier.preparation.warnings(split.catalog, split.items.images):
                print(f"warning: {warning}", file=sys.stderr)
        split = replace(split, items=verifier.with_features(split.items, stop))
        progress = EncodingProgress(file.with_name(f".{file.name}.encoded"), embedding_width(encoder))
        items = _encode(progress, split, verifier, stop or StopRequest())
        if items is None:
            return None
        margins = score_pairs(items, split.pairs, encoder.threshold_width).margin
        decisions = verifier.decisions(split.items, split.pairs, margins)
        with whole_file(file) as stream:
            stream.writelines(submission_lines(split, items, decisions.margin_threshold))
        write_text(file.with_name("similarity.py"), similarity)
        prediction = _prediction(file, split, items, decisions, verifier.threshold, is_fitted)
        progress.file.unlink()
    return prediction


def _check_neighbours(file: Path, similarity: str) -> None:
    """Raise UserError where other submission files of the folder are scored by another similarity.py."""
    source = file.with_name("similarity.py")
    others = [other.name for other in file.parent.glob("*.jsonl") if other != file]
    if others and source.exists() and source.read_text(encoding="utf-8") != similarity:
        raise UserError(
            f"{source}: belongs to embeddings of other widths than these, in {', '.join(sorted(others))}; give "
            "predict.output a folder of its own"
        )


def _encode(progress: EncodingProgress, split: Split, verifier: Verifier, stop: StopRequest) -> EncodedItems | None:
    """Encode the items that no earlier start of this prediction has encoded; return all, in the first process."""
    encoder, plan, processes = verifier.encoder, verifier.plan, verifier.processes
    batches = plan.batches(split.items)
    earlier: list[EncodedRound] = []
    if processes.is_first:
        earlier = progress.resume(encoding_key(verifier.options, encoder, split.items, plan, processes), split.items)
    num_items = sum(len(encoded.item) for encoded in earlier)
    if earlier:
        print(f"goes on after {num_items} of {len(split.catalog)} items, kept in {progress.file}", file=sys.stderr)
    # Rounds are dealt in the order of the batches, so that the items at hand are those of the first batches.
    ends = np.cumsum([len(batch) for batch in batches])
    num_done = from_first(lambda: int(np.searchsorted(ends, num_items, side="right")))
    later = encoded_rounds(encoder, split.items, batches[num_done:], plan, processes, "encode", stop)
    rounds = chain(earlier, progress.kept(later))
    return in_catalogue_order(rounds, len(split.catalog), progress.width, processes)


def split_to_predict(options: ExperimentOptions, preparation: ItemPreparation) -> Split:
    """Read the split of predict.split; raises UserError where the options leave it out, or it cannot be read."""
    files = options.data.split(options.predict.split)
    if files is None:
        raise UserError(f"data.{options.predict.split}: the option file leaves out the split to predict")
    return preparation.split(files, labelled=False)


def submission_lines(split: Split, items: EncodedItems, thresholds: NDArray[np.float64]) -> Iterator[str]:
    """Yield the line of each of B pairs, whose thresholds are (B,), in the order of the pair file."""
    packed = items.packed.numpy()
    for source, target, threshold in zip(split.pairs.source, split.pairs.target, thresholds.tolist(), strict=True):
        # Written again for every pair of an item, which is faster than memory for the texts of all items is cheap.
        yield (
            f'{{"src_item_id": {_id_text(split, source)}, "src_item_emb": "{embedding_text(packed[source])}", '
            f'"tgt_item_id": {_id_text(split, target)}, "tgt_item_emb": "{embedding_text(packed[target])}", '
            f'"threshold": {threshold!r}}}\n'
        )


def _id_text(split: Split, row: int) -> str:
    return json.dumps(split.catalog[row].item_id, ensure_ascii=False)


def embedding_text(numbers: NDArray[np.float32]) -> str:
    """Return the JSON list of an embedding, each number in the shortest form that reads back to the same float32."""
    return orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY).decode("ascii")


def _prediction(
    file: Path, split: Split, items: EncodedItems, decisions: Decisions, threshold: float, is_fitted: bool
) -> Prediction:
    same, figures = split.pairs.same, None
    if same is not None and same.any():
        figures = evaluation(decisions.value, same, threshold, decisions.threshold)
    blank_ids = [split.catalog[row].item_id for row in items.blank_image.nonzero().flatten().tolist()]
    _write_beside(file, "metrics", figures.as_dict(is_fitted) if figures is not None else None)
    _write_beside(file, "blank_images", {"items": blank_ids} if blank_ids else None)
    return Prediction(
        file=file,
        num_pairs=len(decisions.value),
        num_positives=int(decisions.same.sum()),
        threshold=threshold,
        evaluation=figures,
        is_fitted=is_fitted,
        num_blank_images=len(blank_ids),
    )


def _write_beside(file: Path, what: str, content: Mapping[str, object] | None) -> None:
    """Write what belongs to a submission file, or remove what belonged to the one before."""
    beside = file.with_suffix(f".{what}.json")
    if content is not None:
        write_json(beside, content)
    else:
        beside.unlink(missing_ok=True)
