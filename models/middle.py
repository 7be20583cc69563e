"""The middle of pictures."""

from torch import Tensor


def middle(maps: Tensor) -> Tensor:
    """Return the inner half of the height and of the width, where mostly the product is, of maps (N, C, H, W)."""
    height, width = maps.shape[2:]
    return maps[:, :, height // 4 : height - height // 4, width // 4 : width - width // 4]
