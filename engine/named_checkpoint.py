"""A checkpoint that a command names, with the options of its model and what decides, whether it keeps these or not."""

import json
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint import ENCODER, STATE, read_state
from engine.decision_rule import DecisionRule, decision_rule
from engine.evaluated import checkpoint_of
from engine.experiment import ExperimentOptions
from engine.weights import is_published
from options.errors import UserError


@dataclass(frozen=True, slots=True)
class NamedCheckpoint:
    """Weights with what it takes to use them."""

    path: Path
    """As load_checkpoint_weights takes it."""
    options: ExperimentOptions
    step: int | None
    """None where the checkpoint does not say."""
    rule: DecisionRule


def named_checkpoint(path: Path, given: ExperimentOptions | None) -> NamedCheckpoint:
    """Return a checkpoint, or the best one of a run's folder, with its own options unless others are given.

    A checkpoint that was not evaluated, such as a published .pth, has the rule of predict.threshold. Raises UserError
    for a checkpoint and options that the user has to mend.
    """
    if _keeps_options(path):
        checkpoint = checkpoint_of(path)
        options = given or checkpoint_options(checkpoint)
    elif given is not None:
        checkpoint, options = path, given
    else:
        raise UserError(f"{path}: keeps no options of its own; give the model's with --options OPTION_FILE")
    state = read_state(checkpoint) if (checkpoint / STATE).is_file() else None
    is_evaluated = state is not None and state.evaluation is not None
    return NamedCheckpoint(
        path=checkpoint,
        options=options,
        step=state.step if state is not None else None,
        rule=decision_rule("calibrated" if is_evaluated else options.predict.threshold, checkpoint),
    )


def _keeps_options(path: Path) -> bool:
    is_imported = (path / ENCODER).is_file() and not (path / STATE).is_file()
    return not (path.is_file() or is_published(path) or is_imported)


def checkpoint_options(checkpoint: Path) -> ExperimentOptions:
    """Return the options of the run that wrote a checkpoint; raises UserError for a damaged one."""
    return ExperimentOptions.model_validate_json(json.dumps(dict(read_state(checkpoint).run.options)))
