"""Which pairs a checkpoint's figures and its calibrated threshold stem from, and what they may not be used for."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from data.loading import Split
from data.options import DataOptions
from data.split_digest import file_digests
from engine.checkpoint import STATE, read_state
from engine.decision_rule import ThresholdChoice, find_rule
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import checkpoint_options, other_preparation
from engine.pair_scores import ValidationScores, find_validation_scores
from engine.run_identity import validation_changes
from options.errors import UserError
from options.printable import printable


def changed_validation(before: Mapping[str, str], options: ExperimentOptions) -> list[str]:
    """Return which validation data of the options are not those of digests; files that are not here are passed over."""
    files = options.data.val
    if files is None or not (files.items.exists() and files.pairs.exists()):
        return []
    has_images = options.reads.image and files.images is not None and files.images.exists()
    images = options.data.image if has_images else None
    try:
        return validation_changes(before, file_digests(files, images))
    except UserError as error:
        return [f"data.val, which cannot be read ({error})"]


def check_use(
    checkpoint: Path, options: ExperimentOptions | None, threshold: ThresholdChoice, speaks: bool = True
) -> None:
    """Warn where a checkpoint is used with other data or another preparation of items than it stems from.

    Without options they are its own. Only a process that speaks warns. Raises UserError for another preparation
    together with the calibrated threshold, unless predict.allow_other_preparation, and for a damaged checkpoint.
    """
    if not (checkpoint / STATE).is_file():
        return  # it does not say what it stems from
    run, warnings = read_state(checkpoint).run, list[str]()
    if options is not None and (other := other_preparation(checkpoint, options)):
        warnings.append(f"{checkpoint}: items are prepared or encoded otherwise than in its run: {'; '.join(other)}")
        if threshold == "calibrated" and not options.predict.allow_other_preparation:
            raise UserError(
                f"{warnings[0]}. Its calibrated threshold was chosen on other margins than these will be: undo this, "
                "give a number as the threshold, or set predict.allow_other_preparation=true"
            )
    changed = list[str]()
    if speaks and threshold == "calibrated" and run.validation is not None:
        changed = changed_validation(run.validation, options or checkpoint_options(checkpoint))
    if changed:
        warnings.append(
            f"{checkpoint}: its calibrated threshold stems from other validation data than what is here now: "
            f"{', '.join(changed)}; bash train.sh with the option file of the run evaluates it anew"
        )
    for warning in warnings if speaks else ():
        print(f"warning: {printable(warning)}", file=sys.stderr)


def shared_pairs(scores: ValidationScores, pairs: Iterable[tuple[str, str]]) -> NDArray[np.bool_]:
    """Tell which of B validation pairs are among other pairs, whichever item comes first: (B,)."""
    others = set(map(frozenset, pairs))
    return np.array([frozenset(ids) in others for ids in scores.pair_ids], np.bool_)


def refuse_shared_pairs(checkpoint: Path, scores: ValidationScores, shared: NDArray[np.bool_], file: Path) -> None:
    """Raise UserError where any of B validation pairs that choose a threshold are pairs to be predicted: (B,)."""
    if shared.any():
        source, target = scores.pair_ids[int(shared.argmax())]
        raise UserError(
            f"{checkpoint}: {shared.sum():,} of its {len(shared):,} validation pairs are among the pairs to be "
            f"predicted ({file}), the first that of items {source} and {target}; a threshold that is chosen on their "
            f"labels says nothing about new pairs. Choose it without them (bash run.sh study calibrate {checkpoint} "
            f"--drop-shared --test {file}), or validate on other pairs"
        )


def is_fitted_to(checkpoint: Path, split: Split, data: DataOptions, name: str) -> bool:
    """Tell whether the calibrated threshold of a checkpoint was chosen on pairs of the split of this name.

    Raises UserError where it was though that is not val.
    """
    scores, files = find_validation_scores(checkpoint), data.split(name)
    if scores is None or files is None:
        return False
    ids = list(split.catalog.ids())
    ends = zip(split.pairs.source.tolist(), split.pairs.target.tolist(), strict=True)
    shared = shared_pairs(scores, ((ids[source], ids[target]) for source, target in ends))
    if (rule := find_rule(checkpoint)) is not None:
        shared[list(rule.left_out)] = False
    if name != "val":
        refuse_shared_pairs(checkpoint, scores, shared, files.pairs)
    return bool(shared.any())


def pairs_to_predict(checkpoint: Path) -> Path | None:
    """Return the file that data.test.pairs named in the run that wrote a checkpoint."""
    found: JsonValue = dict(read_state(checkpoint).run.options)
    for key in ("data", "test", "pairs"):
        found = found.get(key) if isinstance(found, dict) else None
    return Path(found) if isinstance(found, str) else None
