import pytest
import torch

from data.options import ImageOptions
from data.pair_batch import ItemBatch
from models.encoder_options import TimmImageEncoderOptions
from models.image_statistics import PLACES, SOFTNESS, ColourHistogram, lab, middle, palette
from tests.tiny_data import IMAGE_ENCODER

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
NUM_COLOURS = len(palette())


def normalised(rgb: torch.Tensor) -> torch.Tensor:
    return (rgb - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((1, 1, 1), (100, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)), ((0, 0, 1), (32.30, 79.19, -107.86)), ((0.5, 0.5, 0.5), (53.39, 0, 0)),
    ],
)  # fmt: skip
def test_colours_have_their_published_coordinates(rgb: tuple[float, ...], expected: tuple[float, ...]) -> None:
    found = lab(torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1))
    assert found.flatten().tolist() == pytest.approx(expected, abs=0.1)


def test_shares_are_those_of_a_loop_over_places() -> None:
    torch.manual_seed(0)
    rgb = torch.rand(2, 3, PLACES, PLACES)
    found = ColourHistogram(MEAN, STD)(normalised(rgb)).square()
    places = lab(rgb)
    for number in range(2):
        whole, inner = torch.zeros(NUM_COLOURS), torch.zeros(NUM_COLOURS)
        for row in range(PLACES):
            for column in range(PLACES):
                distance = (palette() - places[number, :, row, column]).square().sum(dim=1)
                share = torch.softmax(-distance / (2 * SOFTNESS**2), dim=0)
                whole += share / PLACES**2
                if 5 <= row < 15 and 5 <= column < 15:
                    inner += share / 100
        torch.testing.assert_close(found[number], torch.cat([whole, inner]), atol=1e-4, rtol=1e-3)


def test_shares_add_up_to_one_at_any_size() -> None:
    found = ColourHistogram(MEAN, STD)(normalised(torch.rand(3, 3, 37, 37))).square()
    torch.testing.assert_close(found.unflatten(1, (2, NUM_COLOURS)).sum(dim=2), torch.ones(3, 2))


def test_the_middle_is_told_from_the_border() -> None:
    rgb = torch.ones(1, 3, 40, 40)
    rgb[:, 1:, 12:28, 12:28] = 0  # a red thing on white ground
    whole, inner = ColourHistogram(MEAN, STD)(normalised(rgb)).square().split(NUM_COLOURS, dim=1)
    assert whole[0, 0] > 2 * inner[0, 0]


def test_an_encoder_gives_colours_after_its_features_and_saves_none(items: ItemBatch) -> None:
    image = ImageOptions(mean=MEAN, std=STD)
    torch.manual_seed(0)
    plain = TimmImageEncoderOptions.model_validate(IMAGE_ENCODER).build(image).eval()
    torch.manual_seed(0)
    with_colours = TimmImageEncoderOptions.model_validate({**IMAGE_ENCODER, "colours": True}).build(image).eval()
    features = with_colours(items)
    assert features.shape == (4, with_colours.width)
    assert torch.equal(features[:, : plain.width], plain(items))
    assert torch.equal(features[:, plain.width :], ColourHistogram(MEAN, STD)(items.images))
    assert with_colours.state_dict().keys() == plain.state_dict().keys()


def test_it_can_be_exported_for_any_number_of_pictures() -> None:
    histogram = ColourHistogram(MEAN, STD)
    any_number = ({0: torch.export.Dim.DYNAMIC},)
    exported = torch.export.export(histogram, (torch.rand(2, 3, 40, 40),), dynamic_shapes=any_number).module()
    pictures = torch.rand(5, 3, 40, 40)
    torch.testing.assert_close(exported(pictures), histogram(pictures))


@pytest.mark.parametrize(("extent", "inner"), [(1, [0]), (2, [0, 1]), (4, [1, 2]), (5, [1, 2, 3]), (8, [2, 3, 4, 5])])
def test_the_middle_is_the_inner_half_and_never_empty(extent: int, inner: list[int]) -> None:
    rows = torch.arange(extent).view(1, 1, extent, 1).expand(1, 1, extent, 4)
    assert middle(rows)[0, 0, :, 0].tolist() == inner
    assert middle(rows.transpose(2, 3))[0, 0, 0].tolist() == inner
    assert middle(rows).shape[3] == 2
