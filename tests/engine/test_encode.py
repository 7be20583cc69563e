from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from data.item_tensors import ItemTensors
from data.loading import load_split
from data.pair_batch import ItemBatch
from engine.encode import PIXELS_AT_ONCE_ON_CPU, EncodingPlan, encode_items, encoding_plan
from engine.experiment import ExperimentOptions
from models.item_encoder import ItemEncoder, build_item_encoder
from tests.engine.conftest import ALONE, MakeOptions

PLAN = EncodingPlan(batch_size=7, workers=0, precision="float32")


def items_of(options: ExperimentOptions) -> ItemTensors:
    assert options.data.test is not None
    return load_split(options.data.test, options.data, options.reads, labelled=False).items


def built(options: ExperimentOptions) -> ItemEncoder:
    torch.manual_seed(0)
    return build_item_encoder(options.model, options.data.image)


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["model.threshold_branch=false", "model.head={name: cosine}"],
        ["model.share_encoders=true"],
        ["model.image_encoder=null"],
        ["model.text_encoder=null"],
    ],
)
def test_embeddings_equal_those_of_one_item_at_a_time_in_catalogue_order(
    make_options: MakeOptions, overrides: list[str]
) -> None:
    options = make_options(*overrides)
    encoder, items = built(options), items_of(options)
    encoded = encode_items(encoder, items, PLAN, ALONE, "encode")
    assert encoded is not None
    encoder.eval()
    for row in range(len(items.catalog)):
        with torch.no_grad():
            alone = encoder(items.batch([row]))
        slow = [*alone.threshold[0].tolist(), *alone.match[0].tolist()]
        assert encoded.packed[row].tolist() == pytest.approx(slow, abs=1e-5)
    assert encoded.packed.dtype == torch.float32
    assert not encoded.blank_image.any()
    assert len(np.unique(encoded.packed.numpy().round(4), axis=0)) > 10


class Counting(nn.Module):
    """Passes batches on and notes their items."""

    def __init__(self, encoder: ItemEncoder) -> None:
        super().__init__()
        self.rows: list[list[int]] = []
        encoder.register_forward_pre_hook(self.note)

    def note(self, module: nn.Module, arguments: tuple[ItemBatch]) -> None:
        assert not module.training
        assert not torch.is_grad_enabled()
        self.rows.append(arguments[0].item.tolist())


def test_each_item_is_encoded_once_in_evaluation_mode_and_without_gradients(make_options: MakeOptions) -> None:
    options = make_options()
    encoder, items = built(options), items_of(options)
    counting = Counting(encoder)
    encode_items(encoder, items, PLAN, ALONE, "encode")
    assert sorted(chain.from_iterable(counting.rows)) == list(range(len(items.catalog)))
    assert max(map(len, counting.rows)) == PLAN.batch_size
    lengths = items.token_lengths()[list(chain.from_iterable(counting.rows))].tolist()
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_encoder_is_restored(make_options: MakeOptions, training: bool) -> None:
    options = make_options("model.text_encoder.architecture.hidden_dropout_prob=0.5")
    encoder, items = built(options).train(training), items_of(options)
    first, second = (packed(encoder, items) for _ in range(2))
    assert torch.equal(first, second)
    assert all(module.training == training for module in encoder.modules())


def packed(encoder: ItemEncoder, items: ItemTensors) -> Tensor:
    encoded = encode_items(encoder, items, PLAN, ALONE, "encode")
    assert encoded is not None
    return encoded.packed


def test_half_precision_is_near_and_worker_processes_change_nothing(make_options: MakeOptions) -> None:
    options = make_options()
    encoder, items = built(options), items_of(options)
    exact = packed(encoder, items)
    half = encode_items(encoder, items, EncodingPlan(7, 1, "bfloat16"), ALONE, "encode")
    assert half is not None
    assert half.packed.dtype == torch.float32
    assert not torch.equal(half.packed, exact)
    assert half.packed.numpy() == pytest.approx(exact.numpy(), abs=0.1)
    by_worker = encode_items(encoder, items, EncodingPlan(7, 1, "float32"), ALONE, "encode")
    assert by_worker is not None
    assert torch.equal(by_worker.packed, exact)


def test_replaced_images_are_reported_by_row(make_options: MakeOptions) -> None:
    options = make_options("data.image.on_bad_image=blank", "data.test.images=images")
    assert options.data.train is not None
    Path("images").mkdir()
    for file in options.data.train.images.glob("test*"):
        broken = file.name.startswith(("test3.", "test11."))
        Path("images", file.name).write_bytes(b"" if broken else file.read_bytes())
    items = items_of(options)
    encoded = encode_items(built(options), items, PLAN, ALONE, "encode")
    assert encoded is not None
    blank = encoded.blank_image.nonzero().flatten().tolist()
    assert [items.catalog[row].item_id for row in blank] == ["test-3", "test-11"]


@pytest.mark.parametrize(
    ("device", "size", "images", "batch_size"),
    [("cpu", 224, True, 16), ("cpu", 384, True, 5), ("cpu", 4096, True, 1), ("cpu", 32, True, 64),
     ("cpu", 384, False, 64), ("cuda", 384, True, 64)],
)  # fmt: skip
def test_batches_on_the_cpu_have_no_more_pixels_than_its_cache_is_good_for(
    make_options: MakeOptions, device: str, size: int, images: bool, batch_size: int
) -> None:
    overrides = [f"data.image.size={size}", "evaluate.batch_size=64", *([] if images else ["model.image_encoder=null"])]
    plan = encoding_plan(make_options(*overrides), "float32", torch.device(device))
    assert plan.batch_size == batch_size
    assert plan.batch_size * size**2 <= PIXELS_AT_ONCE_ON_CPU or plan.batch_size == 1 or not images or device == "cuda"
