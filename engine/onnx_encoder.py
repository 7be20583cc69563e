"""An exported item encoder: what its folder says of itself to any program, and its run by onnxruntime on the CPU."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch

from data.options import ReadAttributes
from data.pair_batch import ItemBatch
from engine.checksums import check_files, recorded_checksum
from engine.decision_rule import DecisionRule
from engine.disk import json_record, read_json
from engine.experiment import ExperimentOptions
from models.embedding import ItemEmbedder, ItemEmbedding, unpack
from options.errors import UserError, install_command

FORMAT = 3
MODEL, DESCRIPTION, OPTIONS = "item_encoder.onnx", "preprocessing.json", "options.yml"
Arithmetic = Literal["float32", "int8"]
IMAGES, TOKEN_IDS, ATTENTION_MASK, ATTRIBUTES = "images", "token_ids", "attention_mask", "attributes"
OUTPUT = "item_embedding"
"""Names in the graph."""
RUNTIME = "onnxruntime"
EXPORT = ("onnx", "onnxscript", RUNTIME)
"""Packages that are needed to run an exported encoder, and to export one."""


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
    upright: bool = False
    color_profile: Literal["keep", "srgb"] = "keep"


@dataclass(frozen=True, slots=True)
class TextDescription:
    """How an item's text becomes the inputs `token_ids` and `attention_mask`."""

    tokenizer: str
    """File beside this one, as the package tokenizers reads it."""
    max_tokens: int
    padding_id: int
    prefix: str
    attributes: ReadAttributes
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttributesDescription:
    """How what an item states becomes the input `attributes`."""

    names: tuple[str, ...]
    in_title: Mapping[str, tuple[str, ...]]
    """Values, by name, that the title may state in an attribute's place."""
    patterns: Mapping[str, tuple[str, ...]]
    """By name, what finds each of these values in a title, in the order in which they are looked for."""
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


def read_description(folder: Path) -> ExportDescription:
    """Read preprocessing.json; raises UserError where it is missing, damaged or of another format."""
    file = folder / DESCRIPTION
    description = read_json(file, ExportDescription, "export again (bash run.sh exchange onnx)")
    if description is None:
        raise UserError(f"{file}: is missing: no exported encoder; bash run.sh exchange onnx makes one")
    if description.format != FORMAT:
        raise UserError(f"{file}: format {description.format} is not {FORMAT}, which is read here; export again")
    return description


class OnnxItemEncoder(ItemEmbedder):
    """Gives items the embeddings that the encoder in an exported folder gives them.

    Its state is the checksum of the model alone, by which it is told from others.
    """

    checksum: torch.Tensor

    def __init__(self, folder: Path) -> None:
        """Open a folder; raises UserError where a file of it is missing or damaged."""
        super().__init__()
        self.folder = folder
        self.description = read_description(folder)
        check_files(folder)
        checksum = _model_checksum(folder, self.description.model)
        self.register_buffer("checksum", torch.tensor(list(bytes.fromhex(checksum)), dtype=torch.uint8))
        check_onnx_packages(RUNTIME)
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = torch.get_num_threads()
        # Otherwise buffers of one branch are held until the other one uses them again: Swin-L took .6 GB a picture in
        # place of .15.
        settings.enable_mem_reuse = settings.enable_mem_pattern = False
        file = folder / self.description.model
        self._session = onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])
        extents = {port.name: port.shape for port in (*self._session.get_inputs(), *self._session.get_outputs())}
        self._check_description(extents)

    @property
    def threshold_width(self) -> int:
        """Numbers in the threshold embedding; 0 without a threshold branch."""
        return self.description.threshold_width

    @property
    def match_width(self) -> int:
        """Numbers in the match embedding."""
        return self.description.match_width

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        """Return both embeddings of N items, on the CPU: (N, D) each, the threshold's (N, 0) without that branch."""
        given = {
            IMAGES: items.images,
            TOKEN_IDS: items.token_ids,
            ATTENTION_MASK: items.attention_mask,
            ATTRIBUTES: items.attributes,
        }
        feed = {name: given[name].cpu().numpy() for name in self.description.inputs}
        (packed,) = self._session.run([OUTPUT], feed)
        return unpack(torch.from_numpy(packed), self.threshold_width)

    def _check_description(self, extents: Mapping[str, Sequence[int | str]]) -> None:
        """Raise UserError where the description is of another graph than the one whose ports have these extents."""
        said, image = self.description, self.description.image
        widths = (said.threshold_width, said.match_width)
        wrong = {
            "inputs": {*said.inputs, OUTPUT} != extents.keys(),
            "threshold_width, match_width": min(widths) < 0 or extents.get(OUTPUT, ())[1:] != [sum(widths)],
            "image.size": image is not None and extents.get(IMAGES, ())[2:] != [image.size, image.size],
        }
        if faulty := [key for key, is_wrong in wrong.items() if is_wrong]:
            raise UserError(f"{self.folder / DESCRIPTION}: {faulty[0]} do not go with {said.model}; export again")

    @property
    def rule(self) -> DecisionRule:
        """When two items are the same product, by the checkpoint that was exported."""
        return DecisionRule(self.description.decision.threshold, self.description.decision.categories)

    def prepared(self, options: ExperimentOptions) -> ExperimentOptions:
        """Return the options with items prepared as the exported encoder wants them.

        Raises UserError where it reads other parts of an item than the options' model.
        """
        image, text, attributes = self.description.image, self.description.text, self.description.attributes
        wanted = options.reads
        names = attributes.names if attributes is not None else ()
        if (wanted.image, wanted.text, wanted.attributes.names) != (image is not None, text is not None, names):
            raise UserError(
                f"{self.folder}: the exported encoder reads {' and '.join(self.description.inputs)}, which are not "
                "the parts of an item that the model of the option file reads; give the option file of its run "
                f"({self.description.run})"
            )
        data, model = options.data, options.model
        if attributes is not None and model.agreement is not None:
            agreement = model.agreement.model_copy(update={"in_title": attributes.in_title})
            model = model.model_copy(update={"agreement": agreement})
        if image is not None:
            update = {key: value for key, value in asdict(image).items() if key != "rules"}
            data = data.model_copy(update={"image": data.image.model_copy(update=update)})
        if text is not None:
            read = {"tokenizer": str(self.folder), "max_tokens": text.max_tokens, "prefix": text.prefix}
            read["attributes"] = text.attributes
            data = data.model_copy(update={"text": data.text.model_copy(update=read)})
        try:
            prepared = options.model_copy(update={"data": data, "model": model}).model_dump_json()
            return json_record(prepared, ExperimentOptions)
        except ValueError as error:
            raise UserError(f"{self.folder / DESCRIPTION}: says what no options can be: {error}") from error


def _model_checksum(folder: Path, model: str) -> str:
    """Return the checksum of a graph and of its weights, where these stand beside it, as those of large ones do."""
    names = sorted(file.name for file in folder.iterdir() if file.name.startswith(model))
    checksums = [recorded_checksum(folder, name) or "" for name in names]
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("".join(checksums).encode()).hexdigest()


def check_onnx_packages(*names: str) -> None:
    """Raise UserError where an optional package of exported encoders is not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise UserError(f"not installed: {', '.join(missing)}; run `{install_command('-r requirements-onnx.txt')}`")
