"""What a training run is given; nothing of it changes while it trains."""

from dataclasses import dataclass

from data.loading import Split
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.run_folder import RunFolder
from engine.run_identity import RunIdentity
from engine.stop_request import StopRequest


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """Options, data, folder and processes of a run."""

    options: ExperimentOptions
    folder: RunFolder
    train_split: Split
    val_split: Split
    identity: RunIdentity
    processes: Processes
    stop: StopRequest
