"""The folder of a run and the names in it."""

from pathlib import Path

RUNS = Path("experiments")


class RunFolder:
    """experiments/<name>/"""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.options = root / "options.yml"
        """The options as resolved."""
        self.command = root / "command.txt"
        """The commands that ran here, one a line."""
        self.environment = root / "environment.json"
        """Versions and machine of the last start."""
        self.log = root / "train.log"
        """What was printed."""
        self.course = root / "metrics.jsonl"
        """A line a log interval or evaluation."""
        self.result = root / "metrics.json"
        """The evaluation of the best checkpoint."""
        self.blank_images = root / "blank_images.json"
        """Ids of the items whose unreadable images were replaced."""
        self.tensorboard = root / "tensorboard"
        """TensorBoard event files."""
        self.wandb_id = root / "wandb_id.txt"
        """Id of the run on Weights & Biases."""
        self.checkpoints = root / "checkpoints"
        """A folder a checkpoint."""
        self.non_finite = root / "non_finite"
        """The state before a step whose loss or gradient was not finite."""
        self.lock = root / ".lock"
        """Held by the run that trains here."""
        self.predictions = root / "predictions"
        """Submission files."""


def run_folder(name: str) -> RunFolder:
    """Return the folder of the run of this name, which need not exist."""
    return RunFolder(RUNS / name)
