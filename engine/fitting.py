"""What of a model is fitted once, before the first step."""

from data.loading import Split
from engine.train_state import TrainState
from models.item_branch import ItemFeatures


def fit_to_training_items(state: TrainState, split: Split) -> None:
    """Fit the model to the known features of a split's items, those of its pairs."""
    known = split.items.known
    assert known is not None, "the options see to it"
    device = state.loss_sum.device
    features = ItemFeatures(*(part.to(device) if part is not None else None for part in (known.text, known.image)))
    state.model.item_encoder.fit(features)
