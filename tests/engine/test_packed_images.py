from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.image_pack import STORED, Stored
from data.loading import load_split
from engine.distributed import Processes
from engine.evaluation_view import evaluation_view
from engine.experiment import ExperimentOptions
from engine.predictor import run_prediction
from engine.run_folder import run_folder
from engine.trainer import run_training
from tests.engine.conftest import ALONE, MakeOptions
from tests.tiny_data import IMAGE_SIZE, SPLITS
from tools.preparation.image_packing import PackSettings, pack_images


@pytest.fixture(scope="module")
def packs(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Stored, Path]:
    place = tmp_path_factory.mktemp("packs")
    for stored in STORED:
        settings = PackSettings(stored, IMAGE_SIZE, follow_links=False)
        pack_images(tiny_dataset / "images", place / f"{stored}.pack", [], settings, processes=1)
    return {stored: place / f"{stored}.pack" for stored in STORED}


def from_pack(make_options: MakeOptions, pack: Path, name: str, *overrides: str) -> ExperimentOptions:
    def change(tree: dict[str, Any]) -> None:
        for split in SPLITS:
            tree["data"][split]["images"] = str(pack)

    return make_options(f"name={name}", *overrides, change=change)


@pytest.mark.parametrize("workers", [0, 1])
def test_training_and_prediction_from_a_pack_are_those_from_the_folder_bit_for_bit(
    make_options: MakeOptions, packs: dict[Stored, Path], workers: int
) -> None:
    overrides = ("log.tensorboard=false", f"data.workers={workers}")
    runs = [make_options("name=folder", *overrides)]
    runs += [from_pack(make_options, pack, stored, *overrides) for stored, pack in packs.items()]
    results = []
    for options in runs:
        training = run_training(options, "", Processes(0, 1, ALONE.device))
        prediction = run_prediction(options, ALONE)
        assert prediction is not None
        weights = [file.read_bytes() for file in sorted(run_folder(options.name).checkpoints.rglob("*.safetensors"))]
        results.append((training.evaluation, weights, prediction.file.read_bytes()))
    assert results[0] == results[1] == results[2]
    assert len(results[0][1]) > 1


def test_a_prediction_begins_anew_where_the_pack_has_changed(
    make_options: MakeOptions, packs: dict[Stored, Path]
) -> None:
    options = from_pack(make_options, packs["files"], "pack")
    assert options.data.test is not None
    items = load_split(options.data.test, options.data, options.reads, labelled=False).items
    names = [item.image for item in items.catalog]
    before = items.images.newest(names)
    packs["files"].touch()
    assert items.images.newest(names) > before


def test_the_errors_are_shown_from_a_pack_too(make_options: MakeOptions, packs: dict[Stored, Path]) -> None:
    views = []
    for options in (make_options(), *(from_pack(make_options, pack, "a") for pack in packs.values())):
        assert options.data.val is not None
        split = load_split(options.data.val, options.data, options.reads, labelled=True)
        assert split.pairs.same is not None
        views.append(evaluation_view(split, np.where(split.pairs.same, -1.0, 1.0), 0.0).error_pictures)
    assert views[0] is not None
    assert views[2] is not None
    np.testing.assert_array_equal(views[0], views[1])
    assert views[2].shape == views[0].shape
