"""The eleven known defects of the published code (arXiv 2208.11064), each absent here: one essential property each.

docs/coming_from_the_published_solution.md lists them; the tests of the single files prove them in depth.
"""

import ast
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import BaseModel
from safetensors.torch import load_file

from data.item_image import BadImageError, read_image
from data.loading import Split, load_split
from data.pair_batch import ItemBatch
from engine import after_step
from engine.checkpoint import read_state
from engine.distributed import Processes
from engine.encode import EncodingPlan, encode_items
from engine.experiment import ExperimentOptions
from engine.predictor import run_prediction
from engine.trainer import TrainingResult, run_training
from models.embedding import ItemEmbedding
from models.item_encoder import ItemEncoder, build_item_encoder
from models.published_file import read_published
from options.errors import UserError
from options.read import read_options
from options.yaml_values import to_yaml
from tests.tiny_data import NUM_ITEMS, option_tree, write_lines
from tools.preparation.split_files import Way, split_pair_file

ROOT = Path(__file__).parents[1]
FOLDERS = ("options", "data", "models", "losses", "metrics", "engine", "scripts")
ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))
PLAN = EncodingPlan(batch_size=7, workers=0, precision="float32")


@pytest.fixture
def options_file(tmp_path: Path, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The option file of a tiny run, in a current folder of its own."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tiny.yml"
    file.write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    return file


def options_of(file: Path, *overrides: str) -> ExperimentOptions:
    return read_options(ExperimentOptions, file, ["log.tensorboard=false", *overrides])


def trained(file: Path, *overrides: str) -> TrainingResult:
    return run_training(options_of(file, *overrides), "", ALONE)


def read_split(options: ExperimentOptions) -> Split:
    assert options.data.test is not None
    return load_split(options.data.test, options.data, options.reads, labelled=True)


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """The Python files of the project's folders, parsed."""
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    for file in [*files, ROOT / "train.py", ROOT / "predict.py"]:
        yield str(file.relative_to(ROOT)), ast.parse(file.read_text(encoding="utf-8"))


class RecordingEncoder(ItemEncoder):
    """Keeps the batches that it is given."""

    def __init__(self, encoder: ItemEncoder) -> None:
        super().__init__(encoder.match, encoder.threshold)
        self.batches: list[ItemBatch] = []

    def forward(self, items: ItemBatch) -> ItemEmbedding:
        self.batches.append(items)
        return super().forward(items)


def encoded_batches(options: ExperimentOptions, split: Split, processes: Processes) -> list[ItemBatch]:
    encoder = RecordingEncoder(build_item_encoder(options.model, options.data.image))
    encode_items(encoder, split.items, PLAN, processes, "encode")
    return encoder.batches


def test_1_the_text_of_an_item_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    values = "".join(f"#颜色分类#:#色{number}#;" for number in range(20))
    line = {"item_id": "a", "item_image_name": "a.jpg", "title": "瓶", "item_pvs": values, "sku_pvs": values}
    file = write_lines(tmp_path / "items.jsonl", [line])
    program = (
        "from pathlib import Path; from data.item_catalog import read_items; from data.item import item_text; "
        f"print(item_text(read_items(Path({str(file)!r}))[0], ['颜色分类']))"
    )
    texts = [
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8", check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    expected = ",".join(f"色{number}" for number in range(20))
    assert texts == [f"瓶;{expected}\n"] * 2


def test_2_an_interrupted_run_goes_on_to_the_same_bits(options_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(options_file, "name=whole")
    save = after_step.save_checkpoint

    def stop_after_saving(*arguments: object) -> None:
        save(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(after_step, "save_checkpoint", stop_after_saving)
        with pytest.raises(KeyboardInterrupt):
            trained(options_file, "name=stopped")
    assert [path.name for path in Path("experiments/stopped/checkpoints").glob("step_*")] == ["step_00000003"]
    stopped = trained(options_file, "name=stopped")
    last = "checkpoints/step_00000006/item_encoder.safetensors"
    first, second = load_file(whole.folder.root / last), load_file(stopped.folder.root / last)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_3_validation_takes_more_pairs_than_10000(options_file: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    lines = (tiny_dataset / "item_val_pair.jsonl").read_text(encoding="utf-8")
    pairs = tmp_path / "many.jsonl"
    pairs.write_text(lines * 200, encoding="utf-8")
    result = trained(options_file, "train.steps=1", f"data.val.pairs={pairs}")
    assert result.evaluation.num_pairs == 12_000
    assert result.evaluation.num_positives == 200 * lines.count('"item_label": "1"')


def test_4_several_ranks_divide_the_encoding(options_file: Path) -> None:
    options = options_of(options_file)
    split = read_split(options)
    of_ranks = [encoded_batches(options, split, Processes(rank, 3, torch.device("cpu"))) for rank in range(3)]
    rows = [[row for batch in batches for row in batch.item.tolist()] for batches in of_ranks]
    assert all(rows)
    assert sorted(chain.from_iterable(rows)) == list(range(NUM_ITEMS))


def attributes_read() -> set[str]:
    """Names that the code reads of some object, validators of the options left out."""
    names = set()
    for _, tree in sources("data", "models", "losses", "engine"):
        validators = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef)
            and any("validator" in ast.dump(d) for d in function.decorator_list)
            for node in ast.walk(function)
        }
        names |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in validators
        }
    return names


def options_classes(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """An options class and all that its fields can hold."""
    yield kind
    for field in kind.model_fields.values():
        for inner in annotated_classes(field.annotation):
            yield from options_classes(inner)


def annotated_classes(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from annotated_classes(argument)


def test_5_every_option_is_read_by_the_code() -> None:
    read = attributes_read()
    names = {f"{kind.__name__}.{name}" for kind in options_classes(ExperimentOptions) for name in kind.model_fields}
    assert len(names) > 60
    assert sorted(name for name in names if name.split(".")[1] not in read) == []


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "I;16", "CMYK", "RGBA"])
def test_6_images_of_every_mode_have_three_channels(tmp_path: Path, mode: str) -> None:
    picture = Image.new("L", (30, 20), 90) if mode in ("LA", "I;16") else Image.new("RGB", (30, 20), (90, 90, 90))
    picture.convert(mode).save(tmp_path / "image", "TIFF" if mode in ("CMYK", "I;16") else "PNG")
    assert read_image(tmp_path / "image", 16).shape == (16, 16, 3)


def test_6_a_malformed_image_is_named_or_replaced_and_reported(options_file: Path, tmp_path: Path) -> None:
    options = options_of(options_file)
    split = read_split(options)
    images = tmp_path / "images"
    images.mkdir()
    for item in split.catalog:
        (images / item.image).write_bytes((split.items.images.path / item.image).read_bytes())
    (images / split.catalog[3].image).write_bytes(b"\xff\xd8\xff broken")
    broken = read_split(options_of(options_file, f"data.test.images={images}"))
    with pytest.raises(BadImageError, match=split.catalog[3].item_id):
        broken.items.batch([2, 3])
    replaced = read_split(options_of(options_file, f"data.test.images={images}", "data.image.on_bad_image=blank"))
    assert replaced.items.batch([2, 3]).blank_image.tolist() == [False, True]


class RunsCode:
    def __init__(self, witness: str) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.witness,)


def test_7_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"params": RunsCode(str(tmp_path / "witness"))}, tmp_path / "net.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps({"params": RunsCode(str(tmp_path / "witness"))}, protocol=2))
    for name in ("net.pth", "plain.pth"):
        with pytest.raises(UserError, match="refused"):
            read_published(tmp_path / name)
    assert not (tmp_path / "witness").exists()


def test_7_nothing_loads_pickles_or_yaml_unsafely_or_names_its_device() -> None:
    for file, tree in sources(*FOLDERS):
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func)
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert not name.startswith("pickle.load"), file
            assert name not in ("yaml.load", "yaml.unsafe_load", "yaml.full_load"), file
            assert not name.endswith(".cuda"), file
            if name == "torch.load":
                assert keywords.get("weights_only") == "True", file
            if file != "engine/distributed.py":
                assert not (name == "torch.device" and "cuda" in ast.unparse(call)), file
                assert not name.endswith("init_process_group"), file
    for script in [*ROOT.glob("*.sh"), *(ROOT / "scripts").glob("*.sh"), *(ROOT / "engine").glob("*.py")]:
        assert "torch.distributed.launch" not in script.read_text(encoding="utf-8"), script


def test_8_each_item_is_encoded_once_and_texts_are_padded_to_the_longest_of_the_batch(options_file: Path) -> None:
    options = options_of(options_file)
    split = read_split(options)
    assert 2 * len(split.pairs) > len(split.catalog)
    batches = encoded_batches(options, split, ALONE)
    assert sorted(row for batch in batches for row in batch.item.tolist()) == list(range(NUM_ITEMS))
    widths = [batch.token_ids.shape[1] for batch in batches]
    assert widths == [int(batch.attention_mask.sum(dim=1).max()) for batch in batches]
    assert min(widths) < options.data.text.max_tokens


def test_9_the_calibrated_threshold_is_found_kept_and_used(options_file: Path) -> None:
    result = trained(options_file)
    kept = read_state(result.checkpoint).evaluation
    assert kept is not None
    assert kept.best_possible_f1 >= kept.f1
    prediction = run_prediction(options_of(options_file, "predict.threshold=calibrated"), ALONE)
    assert prediction is not None
    assert prediction.threshold == kept.best_possible_threshold
    with prediction.file.open(encoding="utf-8") as lines:
        assert {json.loads(line)["threshold"] for line in lines} == {kept.best_possible_threshold}


def test_10_checkpoints_are_bounded_to_the_latest_and_the_best(options_file: Path) -> None:
    result = trained(options_file, "train.steps=9", "train.save_every=1", "train.keep_checkpoints=2")
    steps = sorted(int(path.name.removeprefix("step_")) for path in result.folder.checkpoints.glob("step_*"))
    assert steps == sorted({result.step, 8, 9})


@pytest.mark.parametrize("way", get_args(Way))
def test_9_and_11_the_split_script_shares_no_item_and_reports_what_looks_alike(tmp_path: Path, way: Way) -> None:
    names = [f"{number}" for number in range(60)]
    items = [
        {"item_id": name, "item_image_name": f"{name}.jpg", "title": "同" if name in ("0", "59") else f"瓶 {name}"}
        for name in names
    ]
    rng = np.random.default_rng(0)
    ends = [(group * 3 + first, group * 3 + second) for group in range(20) for first, second in ((0, 1), (1, 2))]
    pairs = [
        {"src_item_id": names[source], "tgt_item_id": names[target], "item_label": str(rng.integers(2))}
        for source, target in ends
    ]
    items_file = write_lines(tmp_path / "items.jsonl", items)
    pairs_file = write_lines(tmp_path / "pairs.jsonl", pairs)
    report = split_pair_file(items_file, pairs_file, tmp_path, None, way=way, ratio=2.0, seed=1)
    train, val = (item_ids(tmp_path / f"pair_{side}.jsonl") for side in ("train", "val"))
    assert train
    assert val
    assert not train & val
    # Items 0 and 59 have one text; two of one text on both sides are not the same item, but are reported.
    assert report.num_same_text == int(("0" in train and "59" in val) or ("59" in train and "0" in val))


def test_11_items_of_training_in_validation_are_refused_or_warned_of(options_file: Path, tiny_dataset: Path) -> None:
    items, pairs = (tiny_dataset / f"item_train_{kind}.jsonl" for kind in ("info", "pair"))
    both = ("train.steps=1", f"data.val.items={items}", f"data.val.pairs={pairs}")
    with pytest.raises(UserError, match=r"data\.val: 40 of its 40 items occur in data\.train"):
        trained(options_file, *both)
    warned = trained(options_file, *both, "data.on_split_overlap=warn")
    assert "warning: data.val: 40 of its 40 items" in warned.folder.log.read_text(encoding="utf-8")


def item_ids(pairs: Path) -> set[str]:
    lines = [json.loads(line) for line in pairs.read_text(encoding="utf-8").splitlines()]
    return {line[end] for line in lines for end in ("src_item_id", "tgt_item_id")}
