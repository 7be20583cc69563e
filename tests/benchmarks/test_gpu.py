"""What of the measurement on GPUs needs none."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.gpu import __main__ as command
from benchmarks.gpu.processes import (
    DeviceLimits,
    GpuRow,
    as_json,
    device_limits,
    format_gpu_table,
    measure_in,
    measure_variant,
)
from benchmarks.gpu.variants import OTHER_BUCKETS, GpuVariant, all_variants
from benchmarks.gpu.work import invented_items, invented_pairs, run_variant, write_out_attention
from benchmarks.speed.settings import TINY, ModelSize
from data.options import ImageOptions
from engine.distributed import Processes
from engine.training_model import BUCKET_MEBIBYTES
from models.item_encoder import build_item_encoder
from models.options import ModelOptions

CPU = torch.device("cpu")
ALONE = Processes(0, 1, CPU)
LIMITS = DeviceLimits(dict.fromkeys(("float32", "tf32", "bfloat16", "float16"), 1e9), 1e6)


def test_each_change_is_compared_with_the_first_way_of_its_work() -> None:
    variants = all_variants([64, 16], [4, 8], range(1, 3))
    assert len({*variants}) == len(variants)
    for work in ("encoding", "training"):
        of_work = [variant for variant in variants if variant.work == work]
        assert of_work[0] == GpuVariant(work, 64 if work == "encoding" else 4)
        assert {variant.arithmetic for variant in of_work} == {"float32", "tf32", "bfloat16", "float16"}
        assert {variant.num_gpus for variant in of_work} == {1, 2}
        assert any(variant.compiled for variant in of_work)
        assert any(not variant.fused_attention for variant in of_work)
        assert len({variant.batch_size for variant in of_work}) == 2
    assert all(variant.work == "training" for variant in variants if variant.checkpointing)
    assert {variant.bucket_mebibytes for variant in variants} == {BUCKET_MEBIBYTES, *OTHER_BUCKETS}
    assert all(variant.num_gpus == 2 for variant in variants if variant.static_graph)


@pytest.mark.parametrize("work", ["encoding", "training"])
@pytest.mark.parametrize(
    "change",
    [{}, {"arithmetic": "tf32"}, {"arithmetic": "bfloat16"}, {"fused_attention": False}],
    ids=["plain", "tf32", "bfloat16", "eager"],
)
def test_a_variant_gives_a_time_for_each_round(work: str, change: dict[str, object]) -> None:
    variant = replace(GpuVariant(work, 2), **change)  # type: ignore[arg-type]
    seconds = run_variant(variant, TINY, 3, ALONE)
    assert len(seconds) == 3
    assert min(seconds) > 0
    assert torch.get_float32_matmul_precision() == "highest"


def test_activations_are_computed_again_where_that_is_asked() -> None:
    assert len(run_variant(GpuVariant("training", 2, checkpointing=True), TINY, 2, ALONE)) == 2


def test_attention_written_out_gives_the_same_embeddings() -> None:
    encoder = build_item_encoder(ModelOptions.model_validate(TINY.model), ImageOptions()).eval()
    items = invented_items(3, TINY.image_size, CPU)
    with torch.inference_mode():
        fused = encoder(items)
        write_out_attention(encoder)
        written_out = encoder(items)
    assert encoder.match.text_encoder.backbone.config._attn_implementation == "eager"
    torch.testing.assert_close(written_out.match, fused.match, rtol=1e-4, atol=1e-5)


def test_invented_pairs_are_of_different_items() -> None:
    pairs = invented_pairs(3, TINY.image_size, CPU)
    assert sorted([*pairs.source.tolist(), *pairs.target.tolist()]) == list(range(6))
    assert {*pairs.same.tolist()} == {True, False}


def test_memory_that_does_not_suffice_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: object) -> list[float]:
        raise torch.OutOfMemoryError("too large")

    monkeypatch.setattr("benchmarks.gpu.processes.run_variant", too_large)
    row = measure_in(ALONE, GpuVariant("training", 2), TINY, 1)
    assert row.seconds == ()
    assert "out of memory" in format_gpu_table([row], LIMITS)
    assert as_json(row, LIMITS)["items_per_second"] == 0.0


def test_two_processes_train_together() -> None:
    row = measure_variant(GpuVariant("training", 2, num_gpus=2, static_graph=True), TINY, 2, "cpu")
    assert len(row.seconds) == 2
    assert row.peak_bytes > 10_000_000


def test_rates_count_all_processes_and_both_items_of_a_pair() -> None:
    row = GpuRow(GpuVariant("training", 4, num_gpus=2), (0.5, 1.0, 0.25), 1 << 30)
    assert row.items_per_second == 32.0
    assert LIMITS.fraction(row) == pytest.approx(3 * 16 * 1e6 / 1e9)


def test_ratios_are_to_the_first_row_of_the_same_work() -> None:
    rows = [
        GpuRow(GpuVariant("encoding", 4), (1.0,), 0),
        GpuRow(GpuVariant("encoding", 4, arithmetic="bfloat16"), (0.25,), 1 << 31),
        GpuRow(GpuVariant("training", 4), (2.0,), 0),
    ]
    lines = format_gpu_table(rows, LIMITS).splitlines()[2:]
    assert ["4.00 x" in line for line in lines] == [False, True, False]
    assert lines[1].endswith("2.0")


def test_limits_of_a_device_are_its_products_and_the_models_operations() -> None:
    limits = device_limits(TINY, CPU)
    assert set(limits.product_rates) == {"float32", "tf32", "bfloat16", "float16"}
    assert min(limits.product_rates.values()) > 0
    assert limits.operations_an_item > 1e6


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_command_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["gpu", "--check"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: torch finds no GPU")


def test_the_command_keeps_what_it_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_this_process(variant: GpuVariant, size: ModelSize, rounds: int, device_type: str) -> GpuRow:
        return measure_in(Processes(0, 1, torch.device(device_type)), variant, size, rounds)

    out = tmp_path / "gpu.json"
    options = ["--device", "cpu", "--model", "tiny", "--rounds", "1", "--only", "encoding", "--encoding-batches", "2"]
    monkeypatch.setattr("sys.argv", ["gpu", *options, "--out", str(out)])
    # Either starts processes, which takes seconds and is tested above and in test_sides.
    monkeypatch.setattr(command, "in_own_process", lambda function, threads, title: function())
    monkeypatch.setattr(command, "measure_variant", in_this_process)
    monkeypatch.setattr(command, "all_variants", lambda *_: [GpuVariant("encoding", 2, fused_attention=False)])
    command.main()
    record = json.loads(out.read_text())
    assert [row["fused_attention"] for row in record["rows"]] == [False]
    assert record["limits"]["operations_an_item"] > 0
