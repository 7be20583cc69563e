import numpy as np
import pytest
from PIL import Image

from data.image_store import ImageFolder
from tools.study.baselines.colour_similarity import colour_histograms


def save(path, background, middle):
    image = Image.new("RGB", (128, 128), background)
    image.paste(middle, (32, 32, 96, 96))
    image.save(path)


def test_only_the_middle_counts_and_likeness_is_of_colours(tmp_path):
    save(tmp_path / "a.png", (255, 255, 255), (200, 0, 0))
    save(tmp_path / "b.png", (0, 0, 255), (210, 10, 10))
    save(tmp_path / "c.png", (255, 255, 255), (0, 200, 0))
    histograms = colour_histograms(ImageFolder(tmp_path), ["a.png", "b.png", "c.png"])
    cosines = histograms @ histograms.T
    assert np.diag(cosines) == pytest.approx([1, 1, 1])
    assert cosines[0, 1] > 0.9
    assert cosines[0, 2] < 0.2


def test_grey_and_palette_files_are_read(tmp_path):
    Image.new("L", (20, 20), 128).save(tmp_path / "grey.jpg")
    Image.new("P", (20, 20), 3).save(tmp_path / "palette.gif")
    assert colour_histograms(ImageFolder(tmp_path), ["grey.jpg", "palette.gif"]).shape == (2, 64)
