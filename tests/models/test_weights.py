import pickle
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from models.weights import distinct_state, hub_error, load_exactly, read_safetensors, unreadable_weights, weights_file
from options.errors import UserError


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_weights_are_found_in_a_folder_and_as_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert weights_file(tmp_path, "model.weights") == tmp_path / name
    assert weights_file(tmp_path / name, "model.weights") == tmp_path / name


def test_of_two_files_in_a_folder_the_safe_one_is_taken(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").touch()
    (tmp_path / "model.safetensors").touch()
    assert weights_file(tmp_path, "model.weights").name == "model.safetensors"


@pytest.mark.parametrize("name", [".", "missing"])
def test_missing_weights_name_option_and_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"^model.weights: no weights at {re.escape(str(tmp_path / name))} "):
        weights_file(tmp_path / name, "model.weights")


def test_tensors_come_back_from_a_file(tmp_path: Path) -> None:
    save_file({"a": torch.arange(3.0)}, tmp_path / "a.safetensors")
    assert read_safetensors(tmp_path / "a.safetensors")["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["missing", "damaged", "cut", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    save_file({"a": torch.arange(300.0)}, tmp_path / "whole")
    (tmp_path / "damaged").write_bytes(b"x")
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:-9])
    with pytest.raises(UserError, match=f"^{re.escape(str(tmp_path / name))}: (no such|damaged)"):
        read_safetensors(tmp_path / name)


def test_a_state_that_fits_is_loaded() -> None:
    module = nn.Linear(2, 1)
    load_exactly(module, {"weight": torch.tensor([[3.0, 4.0]]), "bias": torch.tensor([5.0])}, "here")
    assert module.weight.tolist() == [[3.0, 4.0]]
    assert module.bias.tolist() == [5.0]


def test_everything_that_does_not_fit_is_named_at_once_and_nothing_is_loaded() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    state = {"0.weight": torch.zeros(4, 2), "0.bias": torch.zeros(3), "1.bias": torch.zeros(()), "2.x": torch.zeros(1)}
    with pytest.raises(UserError) as caught:
        load_exactly(module, state, "file.safetensors")
    assert str(caught.value).splitlines() == [
        "file.safetensors: does not fit the model of the options; 4 tensors differ:",
        "  missing 1.weight",
        "  surplus 2.x",
        "  0.weight is 4x2 and should be 3x2",
        "  1.bias is scalar and should be 1",
    ]
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_a_name_that_the_hub_does_not_give_says_what_to_download() -> None:
    message = str(hub_error("model.text_encoder", "hfl/rbt3", "config.json"))
    assert message.startswith("model.text_encoder: 'hfl/rbt3' is no local folder")
    assert "hf download hfl/rbt3 --local-dir weights/rbt3" in message
    assert "weights=random" in message


def test_what_could_run_code_is_called_refused_and_the_rest_damaged() -> None:
    assert "is refused" in str(unreadable_weights("o", Path("f"), pickle.UnpicklingError("x")))
    assert (
        str(unreadable_weights("o", Path("f"), ValueError("one\ntwo"))) == "o: f is damaged or no file of weights: one"
    )


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.again = self.first


def test_a_tensor_of_several_names_is_kept_once_and_loaded_under_all(tmp_path: Path) -> None:
    tied, other = Tied(), Tied()
    state = distinct_state(tied)
    assert list(state) == ["first.weight", "first.bias", "second.bias"]
    save_file(state, tmp_path / "model.safetensors")
    load_exactly(other, read_safetensors(tmp_path / "model.safetensors"), "a file")
    for name, tensor in tied.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name
