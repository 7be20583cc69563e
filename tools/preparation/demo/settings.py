"""What a demo catalogue is made from."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from options.errors import UserError


@dataclass(frozen=True, slots=True)
class NamingRates:
    """How often a seller names each factor of a product in the text, between 0 and 1.

    What only the text can tell is nearly always named, what the photograph shows anyway seldom: so neither
    text nor picture suffices alone.
    """

    brand: float = 0.92
    model: float = 0.98
    variant: float = 0.98
    colour: float = 0.2
    pattern: float = 0.15
    shape: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what is no probability.

        Raises:
            UserError: a rate lies outside 0 to 1.
        """
        for factor, rate in asdict(self).items():
            if not 0 <= rate <= 1:
                raise UserError(f"the rate of naming {factor} must lie between 0 and 1, not at {rate}")


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What a demo catalogue is made from; equal settings give equal files, whatever `processes` is."""

    out: Path
    """Folder to write."""
    items: int = 6000
    """Approximate number of items of all splits together."""
    seed: int = 0
    """Seed of everything random."""
    image_size: int = 96
    """Height and width of the photographs in pixels."""
    processes: int = 1
    """Processes that draw."""
    val_fraction: float = 0.1
    """Share of the product families in the validation split."""
    test_fraction: float = 0.1
    """Share of the product families in the test split."""
    positive_fraction: float = 0.4
    """Share of the pairs that are the same product."""
    naming: NamingRates = field(default_factory=NamingRates)
    """How often sellers name each factor."""

    def __post_init__(self) -> None:
        """Refuse what cannot be made.

        Raises:
            UserError: a number is out of its range.
        """
        if self.items < 1 or self.image_size < 16 or self.processes < 1 or self.seed < 0:
            raise UserError("items and processes must be at least 1, image size at least 16, seed at least 0")
        if min(self.val_fraction, self.test_fraction) < 0 or self.val_fraction + self.test_fraction >= 1:
            raise UserError("the fractions of val and test must not be negative and must leave some for train")
        if not 0 < self.positive_fraction < 1:
            raise UserError("the fraction of positive pairs must lie between 0 and 1")
