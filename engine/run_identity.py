"""What has to stay the same for a run to go on as if it had never ended."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import JsonValue, ValidationError

from data.loading import Split
from data.options import READING
from data.split_digest import pairs_digest, split_digests
from engine.distributed import Processes, from_first
from engine.experiment import ExperimentOptions

FIXED = ("seed", "data.text", "data.image", "model", "loss", "train.optimizer.name", "train.positive_share")
"""Options that change the data order or the model, with all below them."""
USERS_KEYS = ("arguments", "architecture", "in_title")
"""Last part of the options that hold keys of the user's own."""
FREE = READING | {"weights"}
"""Last part of the options among these that may change: how files are read, and what matters before the first step."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What a checkpoint keeps of the run that wrote it."""

    options: Mapping[str, JsonValue]
    """As resolved."""
    num_processes: int
    pairs_per_step: int
    """Of all processes, accumulated ones included."""
    training_pairs: str
    """SHA-256 of the training pairs in their order."""
    training_items: str | None = None
    """SHA-256 of their items; checkpoints of earlier versions lack it and what follows."""
    validation: Mapping[str, str] | None = None
    """SHA-256 of the pairs, items and images of the validation split, of which the figures and the best step are."""


class Changes(NamedTuple):
    """How a run differs from the one that a checkpoint comes from, a line each."""

    forbidden: list[str]
    allowed: list[str]


def run_identity(options: ExperimentOptions, train_split: Split, val_split: Split, processes: Processes) -> RunIdentity:
    """Return the identity of a run of these options, on this data and number of processes."""
    return RunIdentity(
        options=options.model_dump(mode="json"),
        num_processes=processes.count,
        pairs_per_step=options.train.batch_size * options.train.accumulate * processes.count,
        training_pairs=pairs_digest(train_split.catalog, train_split.pairs),
        training_items=train_split.catalog.digest(),
        validation=from_first(lambda: split_digests(val_split)),
    )


def changes(before: RunIdentity, now: RunIdentity) -> Changes:
    """Compare the run that wrote a checkpoint with the one that is to go on from it."""
    found = Changes([], [])
    if before.pairs_per_step != now.pairs_per_step:
        found.forbidden.append(f"pairs a step: {_global_batch(now)}, before {_global_batch(before)}")
    elif before.num_processes != now.num_processes:
        found.allowed.append(f"processes: {now.num_processes}, before {before.num_processes}")
    if before.training_pairs != now.training_pairs:
        found.forbidden.append("data.train.pairs: not the pairs, in the same order, of before")
    if before.training_items not in (None, now.training_items):
        found.allowed.append("data.train.items: not the items of before")
    for key, old, new in differences(_with_defaults(before.options), now.options):
        (found.forbidden if _is_fixed(key) else found.allowed).append(
            f"{key}: {shown_value(new)}, before {shown_value(old)}"
        )
    return found


def _with_defaults(options: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return the options of a run with those that its version did not have yet, as they were then; or as they are."""
    try:
        return ExperimentOptions.model_validate_json(json.dumps(dict(options))).prepared().model_dump(mode="json")
    except ValidationError:
        return options


def validation_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return which options name other validation data than before, as far as both have digests of it."""
    return [f"data.val.{name}" for name in before if now.get(name, before[name]) != before[name]]


def _is_fixed(key: str) -> bool:
    return any(f"{key}.".startswith(f"{fixed}.") for fixed in FIXED) and key.split(".")[-1] not in FREE


def differences(
    before: Mapping[str, JsonValue], now: Mapping[str, JsonValue], prefix: str = "", users_keys: bool = False
) -> Iterator[tuple[str, JsonValue, JsonValue]]:
    """Yield the dotted keys with other values, before and now, in the order of both.

    An option that one of them lacks is newer or gone and passed over; a key of the user's own is None there.
    """
    for key in {**before, **now}:
        old, new = before.get(key), now.get(key)
        is_shared = key in before and key in now
        if (is_shared and old == new) or not (is_shared or users_keys):
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differences(old, new, f"{prefix}{key}.", users_keys or key in USERS_KEYS)
        else:
            yield prefix + key, old, new


def shown_value(value: JsonValue) -> str:
    """Return an option's value for a message, cut where it is long."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _global_batch(identity: RunIdentity) -> str:
    train = identity.options["train"]
    assert isinstance(train, dict)
    return (
        f"{identity.pairs_per_step} ({identity.num_processes} processes x batch_size {train['batch_size']} "
        f"x accumulate {train['accumulate']})"
    )
