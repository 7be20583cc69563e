"""A sample of the matrix of encoders: python -m benchmarks.encoders tries all of them."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torch
from transformers import CONFIG_MAPPING

from benchmarks.encoders import rows
from benchmarks.encoders.__main__ import main
from benchmarks.encoders.cases import KINDS, Kind, names_of
from benchmarks.encoders.rows import row_of, rows_of
from benchmarks.encoders.timm_families import SMALLEST
from benchmarks.encoders.trial import Row

RIGHT: list[tuple[Kind, str, str | None]] = [
    ("text", "bart", "cls"), ("text", "chinese_clip", "cls"), ("text", "clip", "last"), ("text", "deberta-v2", "cls"),
    ("text", "gemma4_text", "last"), ("text", "llama", "last"), ("text", "lfm3", "last"),
    ("text", "rwkv", "last"), ("text", "siglip2", "cls"), ("text", "squeezebert", "cls"), ("text", "t5", "cls"),
    ("text", "t5gemma", "cls"), ("text", "xlnet", "cls"),
    ("timm", "test_vit", None), ("timm", "test_resnet", None),
    ("vision", "dinov2", "mean"), ("vision", "siglip2", "mean"), ("vision", "swin", "mean"),
]  # fmt: skip
REFUSED: list[tuple[Kind, str, str]] = [
    ("text", "blip-2", "Blip2Model does not read texts alone"),
    ("text", "fnet", "the padding after a text changes its features"),
    ("text", "mra", "none of its tokens reads another one"),
    ("text", "reformer", "reads items in evaluation but not in training: If training, make sure that config.axial_pos"),
    ("vision", "vit_mae", "gives the same image other features the second time"),
]
UNUSED: list[tuple[Kind, str, int]] = [("text", "roformer", 0), ("vision", "clip", 3), ("vision", "convnext", 2)]
"""Weights without influence; RoFormer does not train its one of itself."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads wait for each other longer than tiny models take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("kind", "name", "pooling"), RIGHT)
def test_an_encoder_is_built_trained_and_resumed(kind: Kind, name: str, pooling: str | None) -> None:
    row = row_of(kind, name)
    assert (row.outcome, row.said, row.pooling) == ("right", "", pooling)


@pytest.mark.parametrize(("kind", "name", "reason"), REFUSED)
def test_an_encoder_that_would_give_wrong_numbers_or_none_is_refused(kind: Kind, name: str, reason: str) -> None:
    row = row_of(kind, name)
    assert row.outcome == "refused"
    assert reason in row.said


@pytest.mark.parametrize(("kind", "name", "unused"), UNUSED)
def test_two_processes_have_the_gradient_of_one_with_all_pairs(kind: Kind, name: str, unused: int) -> None:
    row = row_of(kind, name, two_processes=True)
    assert (row.outcome, row.said, row.unused) == ("right", "", unused)
    assert row.two_processes is not None


def test_every_kind_has_its_names() -> None:
    assert set(names_of("text")) | set(names_of("vision")) <= {*CONFIG_MAPPING}
    assert all(timm.is_model(name) for name in SMALLEST)
    assert all(len(names_of(kind)) == len(set(names_of(kind))) >= 80 for kind in KINDS)


def test_a_row_that_dies_or_hangs_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "row_of", lambda kind, name, *flags: os._exit(3) if name == "dies" else time.sleep(60))
    found = list(rows_of([("text", "dies"), ("timm", "hangs")], False, False, seconds=0.5, at_once=2))
    assert [(row.name, row.outcome, row.said) for row in found] == [
        ("dies", "traceback", "its process ended with 3"),
        ("hangs", "traceback", "took more than 0.5 seconds"),
    ]


def test_the_command_prints_a_table_and_writes_the_rows_with_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.json"
    monkeypatch.setattr(sys, "argv", ["encoders", "--names", "test_vit", "fnet", "--out", str(file)])
    main()
    record = json.loads(file.read_text(encoding="utf-8"))
    assert {row["name"]: Row(**row).outcome for row in record["rows"]} == {"test_vit": "right", "fnet": "refused"}
    assert record["timm"] == timm.__version__
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == ["text: 1 refused, 0 as ONNX", "timm: 1 right, 0 as ONNX", "vision: 0 as ONNX"]
