import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from data.options import DataOptions, ImageOptions, SplitOptions, TextOptions
from options.base import Options


def test_the_defaults_are_those_of_the_published_model() -> None:
    assert TextOptions().max_tokens == 140
    assert TextOptions().attributes[:3] == ("颜色分类", "货号", "型号")
    assert len(TextOptions().attributes) == 10
    assert ImageOptions().size == 384
    assert ImageOptions().on_bad_image == "error"


def test_a_split_is_found_by_its_name() -> None:
    files = SplitOptions(items=Path("i"), pairs=Path("p"), images=Path("f"))
    data = DataOptions(val=files)
    assert [data.split(name) for name in ("train", "val", "test")] == [None, files, None]


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        (TextOptions, {"max_tokens": 2}),
        (TextOptions, {"max_tokens": "140"}),
        (ImageOptions, {"size": 0}),
        (ImageOptions, {"on_bad_image": "skip"}),
        (ImageOptions, {"mean": (0.5, 0.5)}),
        (TextOptions, {"attributes": ("品牌", " ")}),
        (TextOptions, {"attributes": ("品牌", "#")}),
        (TextOptions, {"attributes": ("品牌", "型号", "品牌")}),
        (TextOptions, {"attributes": ("Wi-Fi", "wi‑fi ")}),
        (DataOptions, {"workers": -1}),
        (DataOptions, {"worker": 1}),
    ],
)
def test_a_value_out_of_range_is_refused(section: type[Options], fault: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        section(**fault)


def test_a_standard_deviation_must_be_positive() -> None:
    with pytest.raises(ValidationError, match="std"):
        ImageOptions(std=(0.2, 0.0, 0.2))


@pytest.mark.parametrize("key", ["items", "pairs", "images"])
def test_an_empty_path_is_refused_and_does_not_mean_the_current_folder(key: str) -> None:
    with pytest.raises(ValidationError, match="should be a path, not empty text"):
        SplitOptions.model_validate_json(json.dumps({"items": "i", "pairs": "p", "images": "f", key: ""}))
