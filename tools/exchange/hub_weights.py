"""The pretrained backbones, from the hub into folders, with only the files that are read here.

HF_ENDPOINT (a mirror), HF_TOKEN, HF_HUB_OFFLINE and the proxy variables are honoured. An interrupted file goes on where
it ended, and weights are compared with the hub's SHA-256.

The hub's client reads its environment when it is imported, hence in functions, after data.hub has looked for the hub.
"""

from dataclasses import dataclass
from pathlib import Path

from data.hub import WEIGHT_FILES, go_offline_without_hub
from engine.checksums import file_checksum
from options.errors import UserError


@dataclass(frozen=True, slots=True)
class Backbone:
    """A repository of the hub and what is needed of it besides weights."""

    repository: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    """Taken where the repository has them."""


IMAGE = Backbone("timm/swin_large_patch4_window12_384.ms_in22k", ("config.json",))
TEXT = Backbone(
    "hfl/chinese-roberta-wwm-ext",
    ("vocab.txt", "config.json"),
    ("tokenizer_config.json", "tokenizer.json", "special_tokens_map.json", "added_tokens.json"),
)


def fetch_backbones(out: Path) -> list[str]:
    """Download the backbones of the published option files unless they are there.

    Returns the overrides by which train.sh and predict.sh read the folders instead of asking the hub. Raises UserError
    as fetch_backbone does.
    """
    # Otherwise the client would try an unreachable hub for a minute.
    go_offline_without_hub([IMAGE.repository, TEXT.repository])
    image_folder, text_folder = fetch_backbone(IMAGE, out), fetch_backbone(TEXT, out)
    return [
        f"model.image_encoder.weights={image_folder}",
        f"model.text_encoder.architecture={text_folder}",
        f"data.text.tokenizer={text_folder}",
    ]


def fetch_backbone(backbone: Backbone, out: Path) -> Path:
    """Download a backbone unless it is there, and return its folder.

    Raises:
        UserError: the hub cannot be reached or lacks a file, a download failed or is damaged, or there is no room.
    """
    folder = out / backbone.repository.rpartition("/")[2]  # its name without the owner
    if _is_whole(folder, backbone):
        print(f"{folder}: stands already")
        return folder
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # what the hub's client raises, of httpx

    try:
        _fetch(backbone, folder)
    except (HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from error
        from models.weights import first_line

        raise UserError(
            f"{backbone.repository}: cannot be fetched from the hub: {first_line(error)}\n"
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
    from huggingface_hub import HfApi, hf_hub_download

    info = HfApi().model_info(backbone.repository, files_metadata=True)
    files = {file.rfilename: file for file in info.siblings or ()}
    weights = next((name for name in WEIGHT_FILES if name in files), None)
    missing = [name for name in backbone.required if name not in files]
    if weights is None or missing:
        lacking = [*missing, *(() if weights else [" or ".join(WEIGHT_FILES)])]
        raise UserError(f"{backbone.repository}: the hub has no {', '.join(lacking)} there; check HF_ENDPOINT")
    print(f"{folder}: downloading {backbone.repository} at {info.sha}")
    for name in (weights, *backbone.optional, *backbone.required):
        if name in files:
            hf_hub_download(info.id, name, revision=info.sha, local_dir=folder)
        if name == weights and (stored := files[name].lfs) is not None:
            _verify(folder / name, stored.sha256)


def _verify(file: Path, expected: str) -> None:
    """Compare a file with the checksum that the hub keeps of it, and delete it if it differs."""
    found = file_checksum(file)
    if found != expected:
        file.unlink()
        raise UserError(
            f"{file}: deleted, because it was damaged on its way (SHA-256 {found} instead of {expected}); "
            "run the same command again"
        )
