"""An exponential moving average of the weights, to evaluate and predict with (Polyak and Juditsky 1992)."""

import copy

import torch

from engine.training_model import TrainingModel


class WeightAverage:
    """A copy of a model whose trained weights and statistics follow the model's with inertia.

    The decay rises with the steps, min(decay, (1 + step) / (10 + step)), so that the first weights are soon forgotten.
    Frozen weights are the model's own, held once.
    """

    def __init__(self, model: TrainingModel, decay: float) -> None:
        self.decay = decay
        frozen = {id(parameter): parameter for parameter in model.parameters() if not parameter.requires_grad}
        self.model = copy.deepcopy(model, memo=dict(frozen)).requires_grad_(False)

    @torch.no_grad()
    def update(self, model: TrainingModel, step: int) -> None:
        """Take in the weights of the model after `step` steps."""
        pairs = [
            (own, new)
            for own, new in zip(_tensors(self.model), _tensors(model), strict=True)
            if own.data_ptr() != new.data_ptr()
        ]
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        for own, new in pairs:
            if own.is_floating_point():
                own.lerp_(new, weight)
            else:  # counters
                own.copy_(new)


def _tensors(model: TrainingModel) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]
