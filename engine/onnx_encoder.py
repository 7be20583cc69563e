"""An exported item encoder, run by onnxruntime on the CPU."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch

from data.pair_batch import ItemBatch
from engine.checksums import check_files, recorded_checksum
from engine.decision_rule import DecisionRule
from engine.experiment import ExperimentOptions
from engine.export_description import ATTENTION_MASK, ATTRIBUTES, IMAGES, OUTPUT, TOKEN_IDS, read_description
from models.embedding import ItemEmbedder, ItemEmbedding, unpack
from options.errors import UserError, install_command

RUNTIME = "onnxruntime"
EXPORT = ("onnx", "onnxscript", RUNTIME)
"""Packages that are needed to run an exported encoder, and to export one."""


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
            update = {"size": image.size, "mean": image.mean, "std": image.std}
            data = data.model_copy(update={"image": data.image.model_copy(update=update)})
        if text is not None:
            read = {"tokenizer": str(self.folder), "max_tokens": text.max_tokens, "attributes": text.attributes}
            data = data.model_copy(update={"text": data.text.model_copy(update=read)})
        return options.model_copy(update={"data": data, "model": model})


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
