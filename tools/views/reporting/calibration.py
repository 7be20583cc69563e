"""Margins as probabilities: a logistic fit, and how often pairs of about one margin are the same product.

Letters of shapes: B pairs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_BINS = 12
RIDGE = 1e-3
"""Weight of the squared slope, which keeps the fit finite where a threshold separates all pairs."""
MOST_STEPS = 100


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
    """Return the fit of the highest likelihood to B margins (B,) and labels (B,), by Newton's method.

    The slope of standardised margins is penalised a little (RIDGE).
    """
    centre, spread = float(margins.mean()), float(margins.std()) or 1.0
    inputs = np.stack([np.ones(len(margins)), (margins - centre) / spread], axis=1)
    penalty = np.diag([1e-9, RIDGE * len(margins)])
    weights = np.zeros(2)
    for _ in range(MOST_STEPS):
        probability = 0.5 * (1 + np.tanh(0.5 * inputs @ weights))
        gradient = inputs.T @ (probability - same) + penalty @ weights
        curvature = (inputs * (probability * (1 - probability))[:, None]).T @ inputs + penalty
        step = np.linalg.solve(curvature, gradient)
        # A long step overshoots where the likelihood is flat.
        weights = weights - step / max(1.0, float(np.abs(step).max()) / 2)
        if np.abs(step).max() < 1e-9:
            break
    slope = float(weights[1]) / spread
    return LogisticFit(float(weights[0]) - slope * centre, slope)


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
