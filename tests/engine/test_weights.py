import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine import named_checkpoint as weights
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import load_checkpoint_weights
from models.item_encoder import ItemEncoder
from options.errors import UserError
from tests.engine.conftest import MakeOptions, fresh_state, save


@pytest.fixture
def options(make_options: MakeOptions) -> ExperimentOptions:
    return make_options()


@pytest.fixture
def saved(options: ExperimentOptions, work_folder: Path) -> Path:
    return save(work_folder / "c", fresh_state(options, seed=1))


def encoder(options: ExperimentOptions, seed: int = 0) -> ItemEncoder:
    return fresh_state(options, seed).model.item_encoder


def loaded(path: Path, options: ExperimentOptions) -> dict[str, torch.Tensor]:
    fresh = encoder(options)
    load_checkpoint_weights(path, fresh, options.model)
    return fresh.state_dict()


def test_a_checkpoint_folder_and_its_file_anywhere_give_the_same_weights(
    options: ExperimentOptions, saved: Path, work_folder: Path
) -> None:
    elsewhere = work_folder / "any_name.safetensors"
    shutil.copy(saved / "item_encoder.safetensors", elsewhere)
    expected, before = encoder(options, seed=1).state_dict(), encoder(options).state_dict()
    assert any(not torch.equal(before[name], tensor) for name, tensor in expected.items())
    for path in (saved, saved / "item_encoder.safetensors", elsewhere):
        found = loaded(path, options)
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize("name", ["net.pth", "net.pth.partaa"])
def test_published_files_are_renamed_for_the_library_of_the_options(
    options: ExperimentOptions, work_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    expected = encoder(options, seed=1).state_dict()
    read: list[Path] = []
    monkeypatch.setattr(weights, "read_published", lambda path: read.append(path) or {"published": torch.ones(1)})
    monkeypatch.setattr(
        weights,
        "published_to_ours",
        lambda state, library: expected if (*state, library) == ("published", "timm") else {},
    )
    found = loaded(work_folder / name, options)
    assert read == [work_folder / name]
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_a_file_of_other_tensors_names_them(options: ExperimentOptions, work_folder: Path) -> None:
    save_file({"stranger": torch.ones(1)}, work_folder / "other.safetensors")
    with pytest.raises(
        UserError, match=r"other\.safetensors: does not fit.*\n  missing match.*(?s:.*)surplus stranger"
    ):
        loaded(work_folder / "other.safetensors", options)


def test_a_damaged_file_is_said_to_be_so(options: ExperimentOptions, work_folder: Path) -> None:
    (work_folder / "cut.safetensors").write_bytes(b"cut")
    with pytest.raises(UserError, match=r"cut\.safetensors: damaged or no safetensors file"):
        loaded(work_folder / "cut.safetensors", options)


def test_what_is_no_checkpoint_is_said_to_be_none(options: ExperimentOptions, work_folder: Path) -> None:
    (work_folder / "empty").mkdir()
    for path in (work_folder / "empty", work_folder / "missing"):
        with pytest.raises(UserError, match=rf"{path.name}: no checkpoint \(a folder with item_encoder\.safetensors"):
            loaded(path, options)
