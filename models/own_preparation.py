"""How the pictures were prepared that an image encoder's pretrained weights were trained on."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from data.hub import local_path
from data.options import Colours, ImageOptions
from models.encoder_options import ImageEncoderOptions, TimmImageEncoderOptions
from models.timm_folder import read_timm_folder


class OwnPreparation(NamedTuple):
    """What a model says of its pictures."""

    mean: Colours
    std: Colours
    size: int | None
    """Height and width in pixels; None where the model does not say."""


def own_preparation(options: ImageEncoderOptions) -> OwnPreparation | None:
    """Return what the pretrained weights were trained on; None for others, and for a model that does not say."""
    if isinstance(options, TimmImageEncoderOptions):
        return _of_timm(options.architecture) if options.weights == "pretrained" else None
    source = options.architecture if options.weights == "pretrained" else options.weights
    return _of_transformers(source) if isinstance(source, str) and source != "random" else None


def prepared(image: ImageOptions, encoder: ImageEncoderOptions | None) -> ImageOptions:
    """Return the options with numbers in the place of auto."""
    if "auto" not in (image.mean, image.std):
        return image
    own = own_preparation(encoder) if encoder is not None else None
    mean, std = (own.mean, own.std) if own is not None else image.normalisation
    return image.model_copy(
        update={"mean": mean if image.mean == "auto" else image.mean, "std": std if image.std == "auto" else image.std}
    )


def preparation_warnings(image: ImageOptions, encoder: ImageEncoderOptions | None) -> list[str]:
    """Say in which options pictures are prepared otherwise than for the encoder's pretrained weights."""
    own = own_preparation(encoder) if encoder is not None else None
    if own is None:
        return []
    given = {"mean": (image.mean, own.mean), "std": (image.std, own.std), "size": (image.size, own.size)}
    return [
        f"data.image.{name} is {ours}, and the weights of model.image_encoder were trained with {theirs}"
        for name, (ours, theirs) in given.items()
        if theirs is not None and ours != theirs
    ]


def _of_timm(architecture: str) -> OwnPreparation | None:
    folder = Path(local_path(architecture, "model.image_encoder.architecture"))
    if folder.is_dir():
        stated = read_timm_folder(folder, "model.image_encoder.architecture").preparation
    else:
        import timm

        found = timm.get_pretrained_cfg(architecture) if timm.is_model(architecture) else None
        stated = found.to_dict() if found is not None else {}
    size = stated.get("input_size")
    return _stated(stated.get("mean"), stated.get("std"), size[-1] if isinstance(size, list | tuple) else None)


def _of_transformers(source: str) -> OwnPreparation | None:
    from transformers import BaseImageProcessor

    try:
        record, _ = BaseImageProcessor.get_image_processor_dict(local_path(source, "model.image_encoder"))
    except OSError:
        return None  # no preprocessor_config.json, or no model at all, which building it tells better
    mean, std = record.get("image_mean"), record.get("image_std")
    if record.get("do_normalize") is False:
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return _stated(mean, std, record.get("size"))


def _stated(mean: object, std: object, size: JsonValue) -> OwnPreparation | None:
    """Return what is said in numbers for three colours; None for grey pictures, and where nothing is said."""
    colours = [_colours(numbers) for numbers in (mean, std)]
    return OwnPreparation(colours[0], colours[1], _side(size)) if colours[0] and colours[1] else None


def _colours(numbers: object) -> Colours | None:
    given = numbers if isinstance(numbers, list | tuple) else (numbers,) * 3
    if len(given) != 3 or not all(isinstance(number, int | float) for number in given):
        return None
    red, green, blue = map(float, given)
    return red, green, blue


def _side(size: JsonValue) -> int | None:
    if isinstance(size, Mapping):
        size = size.get("height") or size.get("shortest_edge")
    return size if isinstance(size, int) else None
