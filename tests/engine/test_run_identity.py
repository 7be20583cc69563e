import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from data.loading import load_split
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from engine.run_identity import USERS_KEYS, RunIdentity, changes, run_identity
from tests.engine.conftest import MakeOptions


def identity(options: ExperimentOptions, count: int = 1) -> RunIdentity:
    assert options.data.train is not None
    split = load_split(options.data.train, options.data, options.reads, labelled=True)
    assert options.data.val is not None
    validation = load_split(options.data.val, options.data, options.reads, labelled=True)
    return run_identity(options.prepared(), split, validation, Processes(0, count, torch.device("cpu")))


def test_the_same_run_has_no_changes(make_options: MakeOptions) -> None:
    assert changes(identity(make_options()), identity(make_options())) == ([], [])


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("seed=5", "seed: 5, before 0"),
        ("data.text.max_tokens=9", "data.text.max_tokens: 9, before"),
        ("data.image.size=16", "data.image.size: 16, before 32"),
        ("data.image.mean=[0.1, 0.2, 0.3]", r"data.image.mean: [0.1, 0.2, 0.3], before"),
        ("model.embedding_width=8", "model.embedding_width: 8, before 16"),
        ("model.image_encoder=null", "model.image_encoder: None, before {"),
        ("loss={name: self_adaptive_threshold, in_batch_negatives: {weight: 2.0}}", "loss.in_batch_negatives: {"),
        ("train.optimizer.name=adamw", "train.optimizer.name: adamw, before adam"),
    ],
)
def test_options_that_change_the_data_order_or_the_model_are_forbidden_by_name(
    make_options: MakeOptions, override: str, line: str
) -> None:
    found = changes(identity(make_options()), identity(make_options(override)))
    assert len(found.forbidden) == 1
    assert found.forbidden[0].startswith(line)
    assert found.allowed == []


@pytest.mark.parametrize(
    ("before", "now", "line"),
    [
        ("model.image_encoder.arguments={}", "model.image_encoder.arguments={drop_path_rate: 0.2}",
         "model.image_encoder.arguments.drop_path_rate: 0.2, before None"),
        ("model.agreement={attributes: [size], in_title: {size: [s, m]}}", "model.agreement={attributes: [size]}",
         "model.agreement.in_title.size: None, before ['s', 'm']"),
    ],
)  # fmt: skip
def test_keys_of_the_users_own_are_forbidden_to_come_and_go(
    make_options: MakeOptions, before: str, now: str, line: str
) -> None:
    assert changes(identity(make_options(before)), identity(make_options(now))) == ([line], [])


def test_an_architecture_that_is_written_out_may_not_get_another_field(make_options: MakeOptions) -> None:
    before = make_options()
    assert before.model.text_encoder is not None
    architecture = {**before.model.text_encoder.architecture, "num_attention_heads": 1}  # type: ignore[dict-item]
    now = make_options(change=lambda tree: tree["model"]["text_encoder"].update(architecture=architecture))
    found = changes(identity(before), identity(now))
    assert [line.split(":")[0] for line in found.forbidden] == ["model.text_encoder.architecture.num_attention_heads"]


def test_options_that_hold_keys_of_the_users_own_are_known_by_name() -> None:
    def free(schema: object) -> Iterator[str]:
        """Yield the names of properties that may have any key."""
        if isinstance(schema, list):
            for part in schema:
                yield from free(part)
        if isinstance(schema, dict):
            for name, own in schema.get("properties", {}).items():
                yield from (name for form in (own, *own.get("anyOf", ())) if form.get("additionalProperties"))
            for part in schema.values():
                yield from free(part)

    assert set(free(ExperimentOptions.model_json_schema())) == set(USERS_KEYS)


def test_an_option_that_the_run_did_not_have_yet_was_as_its_default(make_options: MakeOptions) -> None:
    before = identity(make_options())
    kept = json.loads(json.dumps(before.options))
    del kept["data"]["image"]["std"]
    now = identity(make_options("data.image.std=[1.0, 2.0, 3.0]"))
    assert changes(replace(before, options=kept), before).forbidden == []
    assert changes(replace(before, options=kept), now).forbidden == [
        "data.image.std: [1.0, 2.0, 3.0], before [0.229, 0.224, 0.225]"
    ]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("train.steps=9", "train.steps: 9, before 6"),
        ("train.optimizer.lr=0.5", "train.optimizer.lr: 0.5, before"),
        ("model.weights=some.pth", "model.weights: some.pth, before None"),
        ("model.image_encoder.weights=a.safetensors", "model.image_encoder.weights: a.safetensors, before random"),
        ("data.workers=3", "data.workers: 3, before"),
        ("data.image.on_bad_image=blank", "data.image.on_bad_image: blank, before error"),
        ("data.image.keep_in_memory=true", "data.image.keep_in_memory: True, before False"),
    ],
)
def test_other_changes_are_allowed_and_named(make_options: MakeOptions, override: str, line: str) -> None:
    found = changes(identity(make_options()), identity(make_options(override)))
    assert found.forbidden == []
    assert len(found.allowed) == 1
    assert found.allowed[0].startswith(line)


def test_the_processes_may_change_where_the_pairs_a_step_do_not(make_options: MakeOptions) -> None:
    two = identity(make_options("train.batch_size=4"), count=2)
    found = changes(two, identity(make_options("train.batch_size=2", "train.accumulate=4")))
    assert found.forbidden == []
    assert found.allowed[0] == "processes: 1, before 2"
    assert {line.split(":")[0] for line in found.allowed[1:]} == {"train.batch_size", "train.accumulate"}


def test_another_number_of_pairs_a_step_is_forbidden_with_both_values(make_options: MakeOptions) -> None:
    found = changes(identity(make_options("train.batch_size=4")), identity(make_options("train.batch_size=4"), count=3))
    assert found.forbidden == [
        "pairs a step: 12 (3 processes x batch_size 4 x accumulate 1), "
        "before 4 (1 processes x batch_size 4 x accumulate 1)"
    ]


@pytest.mark.parametrize("change", ["order", "label", "one less"])
def test_other_training_pairs_are_forbidden_wherever_they_are_read_from(
    make_options: MakeOptions, tiny_dataset: Path, change: str
) -> None:
    lines = (tiny_dataset / "item_train_pair.jsonl").read_text().splitlines()
    copied = Path("pairs.jsonl")
    copied.write_text("\n".join(lines))
    same = changes(identity(make_options()), identity(make_options("data.train.pairs=pairs.jsonl")))
    assert same.forbidden == []
    if change == "order":
        lines[0], lines[1] = lines[1], lines[0]
    elif change == "label":
        lines[0] = (
            lines[0].replace('"item_label": "1"', '"item_label": "x"').replace('"item_label": "0"', '"item_label": "1"')
        )
        lines[0] = lines[0].replace('"item_label": "x"', '"item_label": "0"')
    else:
        del lines[-1]
    copied.write_text("\n".join(lines))
    found = changes(identity(make_options()), identity(make_options("data.train.pairs=pairs.jsonl")))
    assert found.forbidden == ["data.train.pairs: not the pairs, in the same order, of before"]
