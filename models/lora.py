"""Low-rank adapters (LoRA, arXiv 2106.09685) to the linear layers of an encoder, through peft."""

import copy
import json
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from torch import nn

from models.weights import DAMAGED, first_line
from options.errors import UserError, install_command

ADAPTER = "adapter_config.json"
"""In a folder of adapters to another model's weights."""
_OF_AN_ADAPTER = re.compile(r"\.lora_[A-Z]")


def add_adapters(
    backbone: nn.Module, rank: int, alpha: float, targets: Sequence[str] | None, option: str
) -> frozenset[str]:
    """Freeze a backbone and give its linear layers adapters that are trained in their place.

    `targets` are the last parts of the layers' names; None for all. Returns the names of the tensors that are not the
    adapters'. Raises UserError where a target is not there, or peft is not installed.
    """
    _check_peft(option)
    from peft import LoraConfig, inject_adapter_in_model

    linear = [name for name, module in backbone.named_modules() if isinstance(module, nn.Linear)]
    for target in targets or ():
        if not any(name.split(".")[-1] == target for name in linear):
            known = ", ".join(sorted({name.split(".")[-1] for name in linear}))
            raise UserError(f"{option}.targets: {type(backbone).__name__} has no linear layer {target!r}, but {known}")
    chosen = [name for name in linear if targets is None or name.split(".")[-1] in targets]
    backbone.requires_grad_(False)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]
        target_modules=chosen,
        lora_dropout=0.0,
    )
    inject_adapter_in_model(config, backbone)
    return frozenset(name for name in backbone.state_dict() if not _OF_AN_ADAPTER.search(name))


Model = TypeVar("Model", bound=nn.Module)


def merged(module: Model) -> Model:
    """Return a copy of a module in which adapters have become part of the weights; itself where it has none."""
    if not any(_OF_AN_ADAPTER.search(name) for name, _ in module.named_parameters()):
        return module
    from peft.tuners.tuners_utils import BaseTunerLayer

    module = copy.deepcopy(module)
    for name, layer in list(module.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            layer.merge()
            base = layer.get_base_layer()
            assert isinstance(base, nn.Module)
            module.set_submodule(name, base)
    return module


def adapter_folder(source: object) -> Path | None:
    """Return the folder of adapters that a name stands for, if it does."""
    folder = Path(source) if isinstance(source, str) else None
    return folder if folder is not None and (folder / ADAPTER).is_file() else None


def adapted_model(folder: Path, option: str) -> str:
    """Return the name of the model that a folder's adapters belong to; raises UserError where it does not say."""
    try:
        name = json.loads((folder / ADAPTER).read_text(encoding="utf-8")).get("base_model_name_or_path")
    except ValueError as error:
        raise UserError(f"{option}: {folder / ADAPTER} is damaged: {error}") from error
    if (folder / "config.json").is_file() or not isinstance(name, str) or not name:
        raise UserError(
            f"{option}: {folder} has adapters ({ADAPTER}) beside another model or none: name that model as the "
            "architecture and this folder as weights"
        )
    return name


def with_adapters_of(model: Model, folder: Path, option: str) -> Model:
    """Return a model whose weights hold the adapters of a folder; raises UserError for those of another model."""
    _check_peft(option)
    from peft import PeftModel

    try:
        adapted = PeftModel.from_pretrained(model, str(folder))
        whole: Model = adapted.merge_and_unload()
    except DAMAGED as error:
        raise UserError(f"{option}: the adapters of {folder} do not fit the model: {first_line(error)}") from error
    return whole


def _check_peft(option: str) -> None:
    if find_spec("peft") is None:
        raise UserError(f"{option}: peft is not installed; run `{install_command('-r requirements-lora.txt')}`")
