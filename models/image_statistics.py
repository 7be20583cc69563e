"""Statistics over the places of pictures and feature maps.

Encoders that are trained to tell kinds of things apart disregard much of colours and textures, by which listings of
products differ. Letters of shapes: N images, H,W pixels, K colours.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

PLACES = 20
"""Height and width of the reduced picture whose colours are counted."""
LIGHTNESS = (15.0, 40.0, 65.0, 90.0)
CHROMA = (22.0, 50.0)
NUM_HUES = 8
SOFTNESS = 6.0
"""Standard deviation, in CIELAB, by which a place counts for the colours around its own."""


def middle(maps: Tensor) -> Tensor:
    """Return the inner half of the height and of the width, where mostly the product is, of maps (N, C, H, W)."""
    height, width = maps.shape[2:]
    return maps[:, :, height // 4 : height - height // 4, width // 4 : width - width // 4]


def mean_and_deviation(level: Tensor) -> Tensor:
    """Return the mean and the standard deviation of each channel over the places of maps: (N, 2 channels).

    Means of low levels tell colours and textures, which the last level is trained to disregard (style statistics:
    Huang and Belongie, arXiv 1703.06868).
    """
    places = level.flatten(2).float()
    mean = places.mean(dim=2)
    variance = (places - mean[:, :, None]).square().mean(dim=2)
    # The root has no finite gradient at 0.
    return torch.cat([mean, (variance + 1e-8).sqrt()], dim=1)


def palette() -> Tensor:
    """Return white and, of each lightness, grey and two rings of hues, in CIELAB: (K, 3)."""
    colours = [(100.0, 0.0, 0.0)]
    for lightness in LIGHTNESS:
        colours.append((lightness, 0.0, 0.0))
        for ring, chroma in enumerate(CHROMA):
            # The hues of the second ring lie between those of the first.
            angles = [2 * math.pi * (hue + ring / 2) / NUM_HUES for hue in range(NUM_HUES)]
            colours += [(lightness, chroma * math.cos(angle), chroma * math.sin(angle)) for angle in angles]
    return torch.tensor(colours)


class ColourHistogram(nn.Module):
    """Roots of the shares of K colours in the whole picture and in its middle: (N, 2K).

    A histogram tells how much of a picture has which colour (Swain and Ballard 1991, "Color indexing", IJCV 7(1)).
    Shares are soft: each place is divided among the colours around its own. Nothing is learned.
    """

    palette: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        """Take pictures that were normalised by this mean and standard deviation."""
        super().__init__()
        self.register_buffer("palette", palette(), persistent=False)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.width = 2 * len(self.palette)

    def forward(self, images: Tensor) -> Tensor:
        """Return the histograms of N normalised pictures (N, 3, H, W)."""
        reduced = functional.interpolate(images.float(), size=(PLACES, PLACES), mode="area")
        places = lab(reduced * self.std + self.mean).flatten(2)
        distance = (places[:, None] - self.palette[:, :, None]).square().sum(dim=2)
        shares = torch.softmax(-distance / (2 * SOFTNESS**2), dim=1).reshape(images.shape[0], -1, PLACES, PLACES)
        return torch.cat([part.mean(dim=(2, 3)) for part in (shares, middle(shares))], dim=1).sqrt()


def lab(rgb: Tensor) -> Tensor:
    """Return CIELAB (white D65) of sRGB between 0 and 1: (N, 3, H, W) each (CIE 15, IEC 61966-2-1)."""
    linear = torch.where(rgb > 0.04045, ((rgb.clamp(min=0) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    red, green, blue = linear.unbind(dim=1)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = map(_lightness_curve, (x, y, z))
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], dim=1)


def _lightness_curve(value: Tensor) -> Tensor:
    edge = (6 / 29) ** 3
    return torch.where(value > edge, value.clamp(min=edge) ** (1 / 3), value / (3 * (6 / 29) ** 2) + 4 / 29)
