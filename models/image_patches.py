"""Images as rows of patches, as SigLIP 2 takes them."""

import math

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel


def patch_inputs(images: Tensor, size: int) -> dict[str, Tensor]:
    """Cut (N, 3, H, W) into square patches of `size` pixels, a row each, colours last."""
    number, rows, columns = images.shape[0], images.shape[2] // size, images.shape[3] // size
    cut = images[:, :, : rows * size, : columns * size].reshape(number, 3, rows, size, columns, size)
    patches = cut.permute(0, 2, 4, 3, 5, 1).reshape(number, rows * columns, 3 * size * size)
    return {
        "pixel_values": patches,
        "pixel_attention_mask": torch.ones_like(patches[:, :, 0], dtype=torch.int64),
        "spatial_shapes": torch.tensor([[rows, columns]], device=images.device).expand(number, 2),
    }


def take_one_size(tower: PreTrainedModel) -> None:
    """Have a tower bring its positions to the size of the images once a batch, as all images are squares of one size.

    By itself it does so for one image after the other, in a loop that no exported graph can have.
    """
    tower.embeddings.resize_positional_embeddings = _resized_positions


def _resized_positions(positions: Tensor, spatial_shapes: Tensor, max_length: int) -> Tensor:
    """Return positions (height, width, D) for squares of as many patches: (1, patches, D)."""
    side = math.isqrt(int(max_length))
    if positions.shape[0] != side:
        moved = positions.permute(2, 0, 1)[None].float()
        resized = functional.interpolate(moved, (side, side), mode="bilinear", align_corners=False, antialias=True)
        positions = resized[0].permute(1, 2, 0).to(positions.dtype)
    return positions.reshape(1, side * side, -1)
