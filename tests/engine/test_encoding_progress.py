import shutil
from pathlib import Path

import pytest
import torch

from data.item_tensors import ItemTensors
from data.loading import load_split
from engine.encode import EncodedRound, EncodingPlan
from engine.encoding_progress import EncodingProgress, encoding_key
from engine.experiment import ExperimentOptions
from models.item_encoder import build_item_encoder
from tests.engine.conftest import ALONE, MakeOptions

ROUNDS = [
    EncodedRound(
        item=torch.arange(start, start + 3),
        packed=torch.randn(3, 4, generator=torch.Generator().manual_seed(start)),
        blank_image=torch.tensor([False, True, False]),
    )
    for start in (0, 3, 6)
]


def items_of(options: ExperimentOptions) -> ItemTensors:
    assert options.data.test is not None
    return load_split(options.data.test, options.data, options.reads, labelled=False).items


@pytest.fixture
def items(make_options: MakeOptions) -> ItemTensors:
    return items_of(make_options("model.image_encoder=null"))


@pytest.fixture
def progress(tmp_path: Path, items: ItemTensors) -> EncodingProgress:
    """A file with three rounds of the key k."""
    progress = EncodingProgress(tmp_path / "folder" / "progress", width=4)
    assert progress.resume("k", items) == []
    assert list(progress.kept(iter(ROUNDS))) == ROUNDS
    return progress


def same(first: list[EncodedRound], second: list[EncodedRound]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a, b) for one, other in zip(first, second, strict=True) for a, b in zip(one, other, strict=True)
    )


def test_what_was_appended_is_found_again(progress: EncodingProgress, items: ItemTensors) -> None:
    for _ in range(2):
        assert same(progress.resume("k", items), ROUNDS)


def test_a_file_cut_off_anywhere_gives_the_whole_rounds_and_takes_others_behind_them(
    progress: EncodingProgress, items: ItemTensors
) -> None:
    whole = progress.file.read_bytes()
    found = set()
    for length in range(len(whole)):
        progress.file.write_bytes(whole[:length])
        rounds = progress.resume("k", items)
        found.add(len(rounds))
        assert same(rounds, ROUNDS[: len(rounds)])
        list(progress.kept(iter(ROUNDS[len(rounds) :])))
        assert same(progress.resume("k", items), ROUNDS)
    assert found == {0, 1, 2}


def test_a_flipped_bit_ends_what_is_read(progress: EncodingProgress, items: ItemTensors) -> None:
    whole = progress.file.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 16
        progress.file.write_bytes(damaged)
        rounds = progress.resume("k", items)
        assert same(rounds, ROUNDS[: len(rounds)])
        is_time = whole.index(b" ") < place <= whole.index(b"\n")
        assert len(rounds) < 3 or is_time


def test_another_key_begins_anew(progress: EncodingProgress, items: ItemTensors) -> None:
    assert progress.resume("l", items) == []
    assert progress.resume("k", items) == []


def test_an_image_that_has_changed_since_begins_anew_and_one_not_yet_encoded_does_not(
    make_options: MakeOptions, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    test = make_options().data.test
    assert test is not None
    shutil.copytree(test.images, images)
    items = items_of(make_options(f"data.test.images={images}"))
    progress = EncodingProgress(tmp_path / "progress", width=4)
    progress.resume("k", items)
    list(progress.kept(iter(ROUNDS)))
    assert len(progress.resume("k", items)) == 3
    for row, num_rounds in ((9, 3), (8, 0)):
        image = images / items.catalog[row].image
        image.write_bytes(image.read_bytes())
        assert len(progress.resume("k", items)) == num_rounds


def test_the_key_tells_weights_items_text_and_plan_apart(make_options: MakeOptions) -> None:
    def key(*overrides: str, seed: int = 0, batch_size: int = 4) -> str:
        options = make_options(*overrides)
        torch.manual_seed(seed)
        plan = EncodingPlan(batch_size, 0, options.prediction_precision)
        return encoding_key(
            options, build_item_encoder(options.model, options.data.image), items_of(options), plan, ALONE
        )

    assert key() == key()
    keys = [
        key(),
        key(seed=1),
        key(batch_size=5),
        key("train.precision=bfloat16"),
        key("data.text.max_tokens=5"),
        key("data.image.std=[1.0, 1.0, 1.0]"),
        key("model.share_encoders=true"),
        key("model.head={name: cosine}"),
        key("model.agreement={attributes: [颜色]}"),
        key("model.agreement={attributes: [颜色], in_title: {颜色: [红色]}}"),
        key("data.test.items=image.jsonl") if _copied_items(make_options, "image.jsonl", '.jpg"', '.jpeg"') else "",
        key("data.test.items=title.jsonl") if _copied_items(make_options, "title.jsonl", "花瓶 ", "瓶 ") else "",
    ]
    assert len(set(keys)) == len(keys)


def _copied_items(make_options: MakeOptions, name: str, text: str, other: str) -> bool:
    """Write a copy of the test items with another text in one of them."""
    test = make_options().data.test
    assert test is not None
    items = test.items.read_text()
    Path(name).write_text(items.replace(text, other, 1))
    return text in items
