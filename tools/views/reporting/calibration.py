"""Margins as probabilities: a logistic fit, and how often pairs of about one margin are the same product.

Letters of shapes: B pairs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

NUM_BINS = 12
RIDGE = 1e-3
"""Weight of the squared slope, which keeps the fit finite where a threshold separates all pairs."""
CERTAIN = 12.0
"""Intercept of a fit to pairs of one label."""


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """P(same | margin) = 1 / (1 + exp(-(intercept + slope margin)))."""

    intercept: float
    slope: float

    def probability(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that pairs of these margins are the same product, in the shape given."""
        # tanh does not overflow, as exp does.
        return 0.5 * (1 + np.tanh(0.5 * (self.intercept + self.slope * margins)))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pairs of neighbouring margins."""

    lowest_margin: float
    highest_margin: float
    num_pairs: int
    mean_probability: float
    """Of the fit."""
    share_same: float
    """Of the pairs, those labelled the same."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well fitted probabilities agree with the labels."""

    fit: LogisticFit
    bins: tuple[ReliabilityBin, ...]
    expected_error: float
    """Mean distance of a bin's probability from its share, weighted by pairs (expected calibration error)."""
    brier: float
    """Mean squared distance of the probabilities from the labels, 0 or 1."""


def fit_logistic(margins: NDArray[np.float64], same: NDArray[np.bool_]) -> LogisticFit:
    """Return the fit of the highest likelihood to B margins (B,) and labels (B,).

    The slope of standardised margins is penalised a little (RIDGE).
    """
    if same.all() or not same.any():
        return LogisticFit(CERTAIN if same.all() else -CERTAIN, 0.0)
    centre, spread = float(margins.mean()), float(margins.std()) or 1.0
    model = LogisticRegression(C=1 / (RIDGE * len(margins)), solver="newton-cholesky", tol=1e-9)
    model.fit((margins - centre)[:, None] / spread, same)
    slope = float(model.coef_[0, 0]) / spread
    return LogisticFit(float(model.intercept_[0]) - slope * centre, slope)


def reliability(margins: NDArray[np.float64], same: NDArray[np.bool_], num_bins: int = NUM_BINS) -> Reliability:
    """Fit probabilities to B margins (B,) and labels (B,) and compare them in bins of about as many pairs each."""
    fit = fit_logistic(margins, same)
    probability = fit.probability(margins)
    order = np.argsort(margins, kind="stable")
    parts = [part for part in np.array_split(order, min(num_bins, len(order))) if len(part)]
    bins = tuple(
        ReliabilityBin(
            lowest_margin=float(margins[part[0]]),
            highest_margin=float(margins[part[-1]]),
            num_pairs=len(part),
            mean_probability=float(probability[part].mean()),
            share_same=float(same[part].mean()),
        )
        for part in parts
    )
    error = sum(part.num_pairs * abs(part.mean_probability - part.share_same) for part in bins) / len(margins)
    return Reliability(fit, bins, error, float(np.mean((probability - same) ** 2)))
