"""Compiled encoders, where there is a compiler."""

import random

import torch

from models.item_encoder import ItemEncoder


def compile_encoders(encoder: ItemEncoder, device: torch.device) -> str | None:
    """Have the encoders compiled when they first run; return why not, where the machine has no compiler."""
    number = random.random()  # another one each time, or the answer would come from a cache of earlier runs
    try:
        torch.compile(lambda numbers: numbers.sin() + number)(torch.zeros(8, device=device))
    except RuntimeError as error:  # what torch's compiler raises in all its forms
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        return f"train.compile: nothing is compiled, since torch.compile finds no compiler that works: {reason}"
    for each in encoder.encoders():
        # The number of distinct items and the longest text differ from batch to batch.
        each.compile(dynamic=True)
    return None
