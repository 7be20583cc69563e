"""Weights from files, and into modules, with nothing silently left out."""

import hashlib
import re
import struct
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from data.hub import WEIGHT_FILES
from options.errors import UserError

UNFIT = (TypeError, ValueError, RuntimeError, AssertionError, AttributeError, LookupError, ArithmeticError)
"""What torch, timm and transformers answer arguments, weights and inputs with that do not fit."""
BASE_DIGEST = "base_digest"
"""Name of the digest of the weights that adapters were trained on."""
DAMAGED = (*UNFIT, OSError, EOFError, struct.error, zipfile.BadZipFile, SafetensorError, UnpicklingError)
"""What they answer damaged files with, of which they check little."""


def weights_file(path: Path, option: str) -> Path:
    """Return the file of a file or folder of weights; raises UserError naming the option."""
    files = [path] if not path.is_dir() else [path / name for name in WEIGHT_FILES]
    for file in files:
        if file.is_file():
            return file
    raise UserError(f"{option}: no weights at {path} (a file, or a folder with {' or '.join(WEIGHT_FILES)})")


def unreadable_weights(option: str, path: Path, error: Exception) -> UserError:
    """Say that a file or folder of weights is damaged or dangerous."""
    if isinstance(error, UnpicklingError):
        return UserError(
            f"{option}: {path} is refused: it is damaged, or holds more than tensors and could run code when it is "
            "opened; give weights as model.safetensors"
        )
    return UserError(f"{option}: {path} is damaged or no file of weights: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, with its type where that alone says nothing."""
    line = next((line for line in str(error).splitlines() if line), "")
    return line if line and not isinstance(error, KeyError) else f"{type(error).__name__}: {line}".rstrip(": ")


def hub_error(option: str, name: str, files: str) -> UserError:
    """Say what to download and where to put it."""
    return UserError(
        f"{option}: {name!r} is no local folder and cannot be fetched from the hub. Where there is a network, run "
        f"`hf download {name} --local-dir weights/{name.split('/')[-1]}` (it holds {files}), then give that folder "
        "as the architecture or as weights; or set weights=random to start from random weights."
    )


def read_safetensors(file: Path) -> dict[str, Tensor]:
    """Read a safetensors file; raises UserError for one that is missing or damaged."""
    try:
        return load_file(file)
    except FileNotFoundError as error:
        raise UserError(f"{file}: no such checkpoint file") from error
    except (SafetensorError, OSError) as error:
        raise UserError(f"{file}: damaged or no safetensors file: {error}") from error


def load_exactly(module: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Load a state into a module, or raise one UserError that names every tensor that does not fit."""
    own, names = distinct_state(module), module.state_dict().keys()
    faults = [f"missing {name}" for name in own if name not in state]
    faults += [f"surplus {name}" for name in state if name not in names]
    faults += [
        f"{name} is {_shape(state[name])} and should be {_shape(own[name])}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    faults += [
        f"{name}: the adapters were trained on other pretrained weights than those that are there now"
        for name in own
        if name.endswith(BASE_DIGEST) and name in state and not torch.equal(state[name], own[name].cpu())
    ]
    raise_faults(faults, f"{origin}: does not fit the model of the options")
    module.load_state_dict({name: state[name] for name in own}, strict=False)


def distinct_state(module: nn.Module) -> dict[str, Tensor]:
    """Return a module's weights and statistics without those that are kept elsewhere, and a tensor that has several
    names under the first of them alone."""
    distinct = {}
    seen = set()
    elsewhere = {
        f"{prefix}.backbone.{name}".lstrip(".")
        for prefix, part in module.named_modules()
        for name in getattr(part, "kept_elsewhere", ())
    }
    for name, tensor in module.state_dict().items():
        if name in elsewhere:
            continue
        place = (tensor.data_ptr(), tensor.shape, tensor.stride())
        if not tensor.numel() or tensor.is_meta or place not in seen:
            distinct[name] = tensor
        seen.add(place)
    return distinct


def raise_faults(faults: list[str], what: str) -> None:
    """Raise one UserError that lists all faults, if there are any."""
    if faults:
        listing = "\n  ".join(faults)
        raise UserError(f"{what}; {len(faults)} tensors differ:\n  {listing}")


def is_of_a_further_block(name: str, own: Collection[str]) -> bool:
    """Tell whether a tensor is of a block or stage whose list the model has, and has without it."""

    def has(prefix: str) -> bool:
        return any(each.startswith(prefix) for each in own)

    numbers = re.finditer(r"\.(\d+\.)", name)
    return any(has(name[: number.start(1)]) and not has(name[: number.end()]) for number in numbers)


def weights_digest(module: nn.Module) -> str:
    """Return the SHA-256 of a module's weights and statistics."""
    return bytes(tensors_digest(module.state_dict()).tolist()).hex()


def tensors_digest(tensors: Mapping[str, Tensor]) -> Tensor:
    """Return the SHA-256 of named tensors: (32,) uint8."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
