"""What every loss over pairs is."""

from abc import abstractmethod

from torch import Tensor, nn

from models.embedding import PairScore


class PairLoss(nn.Module):
    """A loss of each pair by its score; learned numbers of the loss are its parameters."""

    @property
    @abstractmethod
    def decision_threshold(self) -> float:
        """The margin above which this loss takes a pair for the same product."""

    @abstractmethod
    def forward(self, score: PairScore, same: Tensor) -> Tensor:
        """Return each pair's loss, not reduced: float32, of the shape of the score.

        `same` is bool and broadcasts to the score's shape.
        """
