"""Reading the published checkpoint files, whole or in the parts they are downloaded in."""

import io
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from string import ascii_lowercase
from typing import BinaryIO, cast

import torch
from torch import Tensor

from data.joined_files import JoinedFiles
from models.weights import DAMAGED, first_line
from options.errors import UserError


def read_published(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a published checkpoint, under its own names, on the CPU.

    A whole file is mapped into memory. For a file in parts, name it without the ending (x.pth for
    x.pth.partaa and x.pth.partab) or name any part; the parts are read as one file, without a joined
    copy. Nothing but tensors is ever unpickled.

    Raises:
        UserError: for a missing file or part, a damaged one, and one with other content.
    """
    files = _files(path)
    try:
        if len(files) == 1:
            # Only the zip format of torch.save can be mapped; the older one is read.
            content = torch.load(path, "cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        else:
            with io.BufferedReader(JoinedFiles(files)) as joined:
                content = torch.load(cast(BinaryIO, joined), "cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path}: refused, because it is damaged or holds more than tensors and could run code when "
            "it is opened; download it again from where it was published"
        ) from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except DAMAGED as error:
        raise UserError(f"{path}: damaged or no checkpoint of torch; download it again: {first_line(error)}") from error
    return _tensors(path, content)


def _tensors(path: Path, content: object) -> dict[str, Tensor]:
    state = content.get("params") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not state:
        raise UserError(f'{path}: no published checkpoint, which is a dictionary with a state dictionary "params"')
    strangers = [
        repr(name) for name, value in state.items() if not (isinstance(name, str) and isinstance(value, Tensor))
    ]
    if strangers:
        raise UserError(f'{path}: "params" holds what is no named tensor: {", ".join(strangers)}')
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _files(path: Path) -> list[Path]:
    """Return the file, or its parts in order."""
    whole = path.with_suffix("") if re.fullmatch(r"\.part[a-z]{2}", path.suffix) else path
    if path == whole and path.is_file():
        return [path]
    parts = sorted(whole.parent.glob(f"{whole.name}.part[a-z][a-z]"))
    if not parts:
        raise UserError(f"{path}: no such checkpoint file")
    wanted = [f"{whole.name}.parta{letter}" for letter in ascii_lowercase[: max(len(parts), 2)]]
    missing = [name for name in wanted if not (whole.parent / name).is_file()]
    if missing:
        raise UserError(f"{whole}: found {', '.join(part.name for part in parts)}; missing {', '.join(missing)}")
    return parts
