import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from transformers import AutoConfig, AutoModel

from data.pair_batch import ItemBatch
from models.encoder import Encoder
from models.encoder_options import TransformersTextEncoderOptions
from models.lora import merged
from models.transformers_encoders import build_transformers_text_encoder
from models.weights import distinct_state, load_exactly
from options.errors import UserError
from tests.tiny_data import TEXT_ENCODER

ARCHITECTURE: dict[str, Any] = TEXT_ENCODER["architecture"]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    folder = tmp_path / "base"
    AutoModel.from_config(AutoConfig.for_model(**ARCHITECTURE)).save_pretrained(folder)
    return folder


def adapted(base: Path, **lora: object) -> Encoder:
    options = {"name": "transformers", "architecture": str(base), "lora": {"rank": 2, **lora}}
    return TransformersTextEncoderOptions.model_validate_json(json.dumps(options)).build()


def texts() -> ItemBatch:
    token_ids = torch.tensor([[2, 7, 8, 9, 3], [2, 5, 6, 3, 0]])
    return ItemBatch(torch.empty(2, 3, 0, 0), token_ids, token_ids > 0, torch.zeros(2), torch.zeros(2))


def train_a_little(encoder: Encoder) -> None:
    for name, parameter in encoder.named_parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(len(name)))


def test_adapters_alone_are_trained_and_change_nothing_at_first(base: Path) -> None:
    encoder, plain = adapted(base).eval(), build_transformers_text_encoder(str(base), "pretrained").eval()
    torch.testing.assert_close(encoder(texts()), plain(texts()))
    trained = [name for name, parameter in encoder.named_parameters() if parameter.requires_grad]
    assert trained
    assert all(".lora_A." in name or ".lora_B." in name for name in trained)
    some = adapted(base, targets=["query", "value"])
    names = {name.split(".lora_")[0].split(".")[-1] for name, each in some.named_parameters() if each.requires_grad}
    assert names == {"query", "value"}


def test_a_state_holds_adapters_alone_and_brings_them_back(base: Path) -> None:
    encoder = adapted(base).eval()
    train_a_little(encoder)
    state = {name: tensor.clone() for name, tensor in distinct_state(encoder).items()}
    assert all(".lora_" in name or name == "base_digest" for name in state)
    size = sum(tensor.numel() for name, tensor in state.items() if name != "base_digest")
    assert size == sum(each.numel() for each in encoder.parameters() if each.requires_grad)
    fresh = adapted(base).eval()
    load_exactly(fresh, state, "a checkpoint")
    assert torch.equal(fresh(texts()), encoder(texts()))


def test_adapters_of_other_pretrained_weights_are_refused(base: Path, tmp_path: Path) -> None:
    state = distinct_state(adapted(base))
    torch.manual_seed(1)
    AutoModel.from_config(AutoConfig.for_model(**ARCHITECTURE)).save_pretrained(tmp_path / "other")
    with pytest.raises(UserError, match="the adapters were trained on other pretrained weights"):
        load_exactly(adapted(tmp_path / "other"), state, "a checkpoint")


@torch.no_grad()
def test_merged_adapters_give_the_same_features_and_leave_the_encoder_as_it_was(base: Path) -> None:
    encoder = adapted(base).eval()
    train_a_little(encoder)
    before = encoder(texts())
    whole = merged(encoder)
    assert not [name for name, _ in whole.named_parameters() if "lora" in name]
    assert [name for name, _ in encoder.named_parameters() if "lora" in name]
    torch.testing.assert_close(whole(texts()), before, rtol=1e-5, atol=1e-5)
    plain = build_transformers_text_encoder(str(base), "pretrained").eval()
    assert not torch.allclose(before, plain(texts()), atol=1e-2)
    assert merged(plain) is plain


def write_adapters(base: Path, folder: Path) -> Tensor:
    """Write a folder of adapters as peft does, and return the states of the adapted model."""
    model = get_peft_model(AutoModel.from_pretrained(base), LoraConfig(r=2, target_modules=["query", "value"]))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    batch = texts()
    with torch.no_grad():
        states: Tensor = model.eval()(
            input_ids=batch.token_ids, attention_mask=batch.attention_mask.long()
        ).last_hidden_state
    return states[:, 0]


@torch.no_grad()
@pytest.mark.parametrize("named_as", ["architecture", "weights"])
def test_a_folder_of_adapters_is_read_with_the_model_that_it_belongs_to(
    base: Path, tmp_path: Path, named_as: str
) -> None:
    expected = write_adapters(base, tmp_path / "adapters")
    adapters = str(tmp_path / "adapters")
    names = (adapters, "pretrained") if named_as == "architecture" else (str(base), adapters)
    encoder = build_transformers_text_encoder(*names).eval()
    torch.testing.assert_close(encoder(texts()), expected, rtol=1e-5, atol=1e-5)


def test_adapters_are_never_read_as_if_they_were_not_there(base: Path, tmp_path: Path) -> None:
    write_adapters(base, base)
    with pytest.raises(UserError, match=r"adapters \(adapter_config\.json\) beside another model"):
        build_transformers_text_encoder(str(base), "pretrained")


def test_adapters_without_a_model_are_refused(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapters"
    write_adapters(base, folder)
    record = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps({**record, "base_model_name_or_path": None}))
    with pytest.raises(UserError, match="beside another model or none: name that model as the architecture"):
        build_transformers_text_encoder(str(folder), "pretrained")


def test_a_target_that_is_not_there_is_named_with_those_that_are(base: Path) -> None:
    with pytest.raises(UserError, match=r"lora\.targets: BertModel has no linear layer 'q_proj', but .*query"):
        adapted(base, targets=["q_proj"])
