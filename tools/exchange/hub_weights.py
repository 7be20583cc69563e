"""The pretrained backbones, from the hub into folders, with only the files that are read here.

HF_ENDPOINT (a mirror), HF_TOKEN, HF_HUB_OFFLINE and the proxy variables are honoured. An interrupted file goes on where
it ended, and weights are compared with the hub's SHA-256.
"""

import hashlib
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # what the hub's client raises, of httpx
from huggingface_hub.hf_api import ModelInfo

from models.weights import WEIGHT_FILES
from options.errors import UserError
from tools.exchange.backbones import Backbone


def fetch_backbone(backbone: Backbone, out: Path) -> Path:
    """Download a backbone unless it is there, and return its folder.

    Raises:
        UserError: the hub cannot be reached or lacks a file, a download failed or is damaged, or there is no room.
    """
    folder = out / backbone.folder_name
    if _is_whole(folder, backbone):
        print(f"{folder}: stands already")
        return folder
    try:
        _fetch(backbone, folder)
    except (HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from error
        raise UserError(
            f"{backbone.repository}: cannot be fetched from the hub: {_first_line(error)}\n"
            "Run this command again where there is a network (it goes on where it ended); set HF_ENDPOINT to a mirror "
            "if huggingface.co cannot be reached from here, and HF_HUB_OFFLINE must not be 1. Or copy the folder "
            f"{folder} from a machine that has it."
        ) from error
    return folder


def _is_whole(folder: Path, backbone: Backbone) -> bool:
    """Tell whether all is there; weights get their name when they are complete, and the rest after them."""
    return all((folder / name).is_file() for name in backbone.required) and any(
        (folder / name).is_file() for name in WEIGHT_FILES
    )


def _fetch(backbone: Backbone, folder: Path) -> None:
    info = HfApi().model_info(backbone.repository, files_metadata=True)
    files = {file.rfilename for file in info.siblings or ()}
    weights = next((name for name in WEIGHT_FILES if name in files), None)
    missing = [name for name in backbone.required if name not in files]
    if weights is None or missing:
        lacking = [*missing, *(() if weights else [" or ".join(WEIGHT_FILES)])]
        raise UserError(f"{backbone.repository}: the hub has no {', '.join(lacking)} there; check HF_ENDPOINT")
    print(f"{folder}: downloading {backbone.repository} at {info.sha}")
    _fetch_file(info, weights, folder)
    _verify(info, weights, folder)
    for name in (*backbone.optional, *backbone.required):
        if name in files:
            _fetch_file(info, name, folder)


def _fetch_file(info: ModelInfo, name: str, folder: Path) -> None:
    hf_hub_download(info.id, name, revision=info.sha, local_dir=folder)


def _verify(info: ModelInfo, name: str, folder: Path) -> None:
    """Compare a file with the checksum that the hub keeps of it, and delete it if it differs."""
    expected = next((file.lfs.sha256 for file in info.siblings or () if file.rfilename == name and file.lfs), None)
    if expected is None:
        return
    with (folder / name).open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        (folder / name).unlink()
        raise UserError(
            f"{folder / name}: deleted, because it was damaged on its way (SHA-256 {found} instead of {expected}); "
            "run the same command again"
        )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
