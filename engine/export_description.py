"""What the folder of an exported item encoder says of itself: all that a program without this project has to know."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from engine.disk import read_json, write_json
from options.errors import UserError

FORMAT = 2
MODEL, DESCRIPTION, OPTIONS = "item_encoder.onnx", "preprocessing.json", "options.yml"
Arithmetic = Literal["float32", "int8"]
IMAGES, TOKEN_IDS, ATTENTION_MASK, ATTRIBUTES = "images", "token_ids", "attention_mask", "attributes"
OUTPUT = "item_embedding"
"""Names in the graph."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the graph."""

    type: str
    shape: tuple[int | str, ...]
    """Numbers, or the names of extents that may differ from call to call."""
    meaning: str


@dataclass(frozen=True, slots=True)
class ImageDescription:
    """How an image file becomes the input `images`."""

    size: int
    """Height and width in pixels."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextDescription:
    """How an item's text becomes the inputs `token_ids` and `attention_mask`."""

    tokenizer: str
    """File beside this one, as the package tokenizers reads it."""
    max_tokens: int
    padding_id: int
    attributes: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttributesDescription:
    """How what an item states becomes the input `attributes`."""

    names: tuple[str, ...]
    in_title: Mapping[str, tuple[str, ...]]
    """Values, by name, that the title may state in an attribute's place."""
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecisionDescription:
    """When two items are the same product."""

    threshold: float
    categories: Mapping[str, float]
    """Thresholds of pairs both of whose items are of a category; the others have the one above."""
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportDescription:
    """What preprocessing.json says."""

    format: int
    run: str
    step: int | None
    """Null where the checkpoint did not say it, as published ones do not."""
    model: str
    """File beside this one."""
    arithmetic: Arithmetic
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    threshold_width: int
    match_width: int
    image: ImageDescription | None
    text: TextDescription | None
    attributes: AttributesDescription | None
    decision: DecisionDescription


def write_description(folder: Path, description: ExportDescription) -> None:
    """Write preprocessing.json."""
    write_json(folder / DESCRIPTION, asdict(description))


def read_description(folder: Path) -> ExportDescription:
    """Read preprocessing.json; raises UserError where it is missing, damaged or of another format."""
    file = folder / DESCRIPTION
    description = read_json(file, ExportDescription, "export again (bash run.sh exchange onnx)")
    if description is None:
        raise UserError(f"{file}: is missing: no exported encoder; bash run.sh exchange onnx makes one")
    if description.format != FORMAT:
        raise UserError(f"{file}: format {description.format} is not {FORMAT}, which is read here; export again")
    return description
