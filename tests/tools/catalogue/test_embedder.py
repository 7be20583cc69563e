import json
import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from data.item_catalog import read_items
from data.pair_batch import ItemBatch
from engine import encode
from engine.disk import sole_user
from engine.distributed import Processes
from engine.encode import EncodedRound
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import chosen_checkpoint
from engine.run_folder import run_folder
from engine.stop_request import StoppedError, StopRequest
from engine.verifier import Verifier
from models.embedding import pack
from models.item_encoder import ItemEncoder
from options.errors import UserError
from tests.command_server import run
from tests.engine.conftest import ALONE, MakeOptions, fresh_state, save
from tests.tiny_data import write_lines
from tools.catalogue import embedder
from tools.catalogue.embedder import Embedding, EmbeddingJob, run_embedding
from tools.catalogue.embedding_folder import EMBEDDINGS, open_embeddings

OVERRIDES = ("predict.checkpoint=latest", "evaluate.batch_size=3")


@pytest.fixture
def options(make_options: MakeOptions) -> ExperimentOptions:
    options = make_options(*OVERRIDES)
    save(run_folder("tiny").checkpoints, fresh_state(options))
    return options


@pytest.fixture
def job(tiny_dataset: Path, work_folder: Path) -> EmbeddingJob:
    return EmbeddingJob(
        items=tiny_dataset / "item_test_info.jsonl",
        images=tiny_dataset / "images",
        out=work_folder / "out",
        type="float32",
        shard_items=7,
    )


@pytest.fixture
def num_encoded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Tells the number of items that were encoded since the last call."""
    encode_batch = encode._encode
    counts: list[int] = []

    def counted(encoder: ItemEncoder, batch: ItemBatch, *rest: object) -> EncodedRound:
        counts.append(len(batch.item))
        return encode_batch(encoder, batch, *rest)  # type: ignore[arg-type]

    def since() -> int:
        total = sum(counts)
        counts.clear()
        return total

    monkeypatch.setattr(encode, "_encode", counted)
    return since


def place(rank: int, count: int) -> Processes:
    return Processes(rank, count, torch.device("cpu"))


def embed(options: ExperimentOptions, job: EmbeddingJob, count: int = 1) -> Embedding:
    """Embed in several processes one after another, the first one last, as they need nothing of each other."""
    for rank in range(1, count):
        assert run_embedding(options, job, place(rank, count)) is None
    embedding = run_embedding(options, job, place(0, count))
    assert embedding is not None
    return embedding


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.startswith(".")}


def numbers(folder: Path) -> NDArray[np.float32]:
    return np.concatenate(list(open_embeddings(folder).blocks(100)))


def lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def with_items(job: EmbeddingJob, items: Iterable[dict[str, str]], name: str = "items.jsonl") -> EmbeddingJob:
    return replace(job, items=write_lines(job.out.with_name(name), items))


def one_by_one(options: ExperimentOptions, job: EmbeddingJob) -> NDArray[np.float32]:
    """Encode each item by itself."""
    verifier = Verifier.load(chosen_checkpoint(options), options, 0.0)
    encoder, items = verifier.encoder, verifier.tensors(read_items(job.items), job.images)
    with torch.no_grad():
        return np.concatenate([pack(encoder(items.batch([row]))).numpy() for row in range(40)])


def test_every_item_has_its_own_embedding_in_the_order_of_the_file(
    options: ExperimentOptions, job: EmbeddingJob
) -> None:
    embedding = embed(options, job)
    folder = open_embeddings(job.out)
    assert [(item.item_id, item.category, item.blank_image) for item in folder.items()] == [
        (line["item_id"], line["cate_name"], False) for line in lines(job.items)
    ]
    np.testing.assert_allclose(numbers(job.out), one_by_one(options, job), atol=1e-5)
    assert (folder.record.threshold_width, folder.record.match_width, folder.record.num_shards) == (16, 16, 6)
    assert folder.record == embedding.record
    assert (embedding.num_kept, embedding.num_blank_images) == (0, 0)


@pytest.mark.parametrize(("count", "shard_items"), [(2, 7), (3, 7), (4, 20), (2, 100)])
def test_any_number_of_processes_writes_the_same_bytes(
    options: ExperimentOptions, job: EmbeddingJob, count: int, shard_items: int
) -> None:
    job = replace(job, shard_items=shard_items)
    embed(options, job)
    among = replace(job, out=job.out.with_name("among"))
    embed(options, among, count)
    assert content(among.out) == content(job.out)


def test_the_first_process_waits_for_the_others(
    options: ExperimentOptions, job: EmbeddingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.catalogue.embedding_watch.LOOK_SECONDS", 0.05)
    alone = replace(job, out=job.out.with_name("alone"))
    embed(options, alone)
    found: list[Embedding | None] = []
    first = threading.Thread(target=lambda: found.append(run_embedding(options, job, place(0, 2))))
    first.start()
    while not (job.out / "shard_00004.json").exists():
        first.join(0.01)
    assert first.is_alive()
    assert run_embedding(options, job, place(1, 2)) is None
    first.join(20)
    assert [embedding.num_kept for embedding in found if embedding is not None] == [0]
    assert content(job.out) == content(alone.out)


KILLED = """
import os, signal
from pathlib import Path, PosixPath
import torch
from engine import encode
from engine.distributed import Processes
from engine.experiment import ExperimentOptions
from options.read import read_options
from tools.catalogue.embedder import EmbeddingJob, run_embedding

encode_batch, batches = encode._encode, []

def killing(*arguments):
    batches.append(None)
    if len(batches) == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return encode_batch(*arguments)

encode._encode = killing
options = read_options(ExperimentOptions, Path("tiny.yml"), {overrides!r})
run_embedding(options, {job!r}, Processes(rank=0, count=1, device=torch.device("cpu")))
"""
"""Embeds in a process that kills itself at the eighth batch, of three a shard."""


def test_after_a_kill_only_the_shards_that_are_not_whole_are_made(
    options: ExperimentOptions, job: EmbeddingJob, num_encoded: Callable[[], int]
) -> None:
    alone = replace(job, out=job.out.with_name("alone"))
    embed(options, alone)

    # Not forked here: a forked process may wait for ever for threads that this one has had.
    ended = run(["-c", KILLED.format(overrides=OVERRIDES, job=job)], cwd=Path.cwd())
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert sorted(job.out.glob("shard_*.json")) == [job.out / "shard_00000.json", job.out / "shard_00001.json"]
    num_encoded()
    assert embed(options, job).num_kept == 14
    assert num_encoded() == 26
    assert content(job.out) == content(alone.out)


def test_a_shard_whose_record_or_numbers_are_gone_is_made_again(
    options: ExperimentOptions, job: EmbeddingJob, num_encoded: Callable[[], int]
) -> None:
    embed(options, job)
    expected = content(job.out)
    (job.out / "shard_00001.json").unlink()
    (job.out / "shard_00003.npy").unlink()
    num_encoded()
    embed(options, job)
    assert num_encoded() == 14
    assert content(job.out) == expected


def test_a_second_process_of_a_number_is_refused_and_others_are_not(
    options: ExperimentOptions, job: EmbeddingJob
) -> None:
    def embed_meanwhile() -> None:
        with sole_user(job.out / ".process_00001.lock", "embeds as number 1"):
            begun.set()
            ended.wait()

    context = get_context("fork")
    begun, ended = context.Event(), context.Event()
    process = context.Process(target=embed_meanwhile, daemon=True)
    process.start()
    begun.wait()
    with pytest.raises(UserError, match=rf"process {process.pid} embeds as number 1 here already; wait for it or end"):
        run_embedding(options, job, place(1, 3))
    assert run_embedding(options, job, place(2, 3)) is None
    ended.set()
    process.join()
    assert embed(options, job, 3).num_kept == 40 - 7 - 7


def test_who_is_asked_to_stop_keeps_whole_shards(
    options: ExperimentOptions, job: EmbeddingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = StopRequest()
    write = embedder.EmbeddingShard.write

    def stopping(*arguments: object) -> None:
        write(*arguments)  # type: ignore[arg-type]
        stop.made = True

    monkeypatch.setattr(embedder.EmbeddingShard, "write", stopping)
    with pytest.raises(StoppedError, match=r"embed: 7 of 40 items are kept in .*; run the same command again"):
        run_embedding(options, job, ALONE, stop)
    with pytest.raises(UserError, match="not complete: shard 1 of 6"):
        open_embeddings(job.out)


@pytest.mark.parametrize("before", [10, 14])
def test_of_a_catalogue_that_has_grown_only_the_new_items_and_the_last_partial_shard_are_encoded(
    options: ExperimentOptions, job: EmbeddingJob, num_encoded: Callable[[], int], before: int
) -> None:
    items = lines(job.items)
    embed(options, with_items(job, items[:before]))
    grown = with_items(job, items)
    num_encoded()
    embedding = embed(options, grown)
    assert num_encoded() == 40 - before // 7 * 7
    assert embedding.num_kept == before // 7 * 7
    fresh = replace(grown, out=job.out.with_name("fresh"))
    embed(options, fresh)
    assert content(job.out) == content(fresh.out)
    num_encoded()
    assert embed(options, grown).num_kept == 40
    assert num_encoded() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda items: [{**items[0], "title": "另一个"}, *items[1:]], r"items 1 to 7 of .*: [0-9a-f]{64}, before"),
        (lambda items: [*items[:9], items[10], items[9], *items[11:]], r"items 8 to 14 of .*: [0-9a-f]{64}, before"),
        (lambda items: items[:-1], r"items of .*items\.jsonl: 39, before 40"),
        (lambda items: items[1:], r"39, before 40"),
    ],
)
def test_items_that_were_changed_moved_or_removed_are_refused(
    options: ExperimentOptions,
    job: EmbeddingJob,
    change: Callable[[list[dict[str, str]]], list[dict[str, str]]],
    message: str,
) -> None:
    items = lines(job.items)
    embed(options, with_items(job, items))
    before = content(job.out)
    with pytest.raises(UserError, match=rf"(?s)out/embeddings\.json: .*Name another folder.*{message}"):
        embed(options, with_items(job, change(items)))
    assert content(job.out) == before


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.text.max_tokens=20", "data.text.max_tokens: 20, before 24"),
        ("data.image.mean=[0.5, 0.5, 0.5]", r"data\.image\.mean: \[0\.5.*, before \[0\.485"),
        ("predict.precision=bfloat16", "predict.precision: bfloat16, before float32"),
        ("model.head={name: cosine}", "model.head.name: cosine, before linear"),
    ],
)
def test_other_options_that_matter_are_refused_with_both_values(
    options: ExperimentOptions, job: EmbeddingJob, make_options: MakeOptions, override: str, message: str
) -> None:
    embed(options, job)
    with pytest.raises(UserError, match=rf"(?s)other embeddings.*{message}"):
        embed(make_options(*OVERRIDES, override), job)


def test_a_checkpoint_is_not_taken_for_an_exported_encoder(options: ExperimentOptions, job: EmbeddingJob) -> None:
    checkpoint = chosen_checkpoint(options)
    with pytest.raises(UserError, match=r"preprocessing\.json: is missing: no exported encoder"):
        run_embedding(options, replace(job, onnx=checkpoint), ALONE)


def test_a_checkpoint_that_knows_no_threshold_embeds(
    options: ExperimentOptions, job: EmbeddingJob, make_options: MakeOptions
) -> None:
    encoder = chosen_checkpoint(options) / "item_encoder.safetensors"
    named = make_options(OVERRIDES[1], f"predict.checkpoint={encoder}", "predict.threshold=calibrated")
    assert embed(named, job).record.num_items == 40


def test_options_that_do_not_matter_may_change(
    options: ExperimentOptions, job: EmbeddingJob, make_options: MakeOptions
) -> None:
    embed(options, job)
    other = make_options(
        *OVERRIDES, "data.image.on_bad_image=blank", "seed=3", "model.image_encoder.weights=pretrained"
    )
    assert embed(other, job).num_kept == 40


def test_other_weights_types_and_shards_are_refused_with_both_values(
    options: ExperimentOptions, job: EmbeddingJob
) -> None:
    embed(options, job)
    save(run_folder("tiny").checkpoints, fresh_state(options, seed=1))
    with pytest.raises(UserError) as raised:
        embed(options, replace(job, type="float16", shard_items=8))
    for part in ("shard_items: 8, before 7", "type: float16, before float32", "weights: "):
        assert part in str(raised.value)
    (job.out / EMBEDDINGS).unlink()
    with pytest.raises(UserError, match=r"shard_00000\.npy: encoded with [0-9a-f]{64}, before [0-9a-f]{64}"):
        embed(options, job)


def test_float16_is_the_float32_embedding_rounded(options: ExperimentOptions, job: EmbeddingJob) -> None:
    embed(options, job)
    half = replace(job, out=job.out.with_name("half"), type="float16")
    embed(options, half)
    assert np.array_equal(numbers(half.out), numbers(job.out).astype(np.float16))


def test_an_embedding_that_float16_cannot_hold_ends_with_the_item(
    options: ExperimentOptions, job: EmbeddingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode_batch = encode._encode

    def large(encoder: ItemEncoder, batch: ItemBatch, *rest: object) -> EncodedRound:
        encoded = encode_batch(encoder, batch, *rest)  # type: ignore[arg-type]
        return encoded._replace(packed=torch.where(encoded.item[:, None] == 3, 1e5, encoded.packed))

    monkeypatch.setattr(encode, "_encode", large)
    embed(options, job)
    with pytest.raises(
        UserError, match=r"item 'test-3' \(row 4\): its embedding is not finite in float16; take --type"
    ):
        embed(options, replace(job, out=job.out.with_name("half"), type="float16"))


def test_an_unreadable_image_ends_the_run_or_is_replaced_and_marked(
    options: ExperimentOptions, job: EmbeddingJob, make_options: MakeOptions
) -> None:
    items = lines(job.items)
    items[9]["item_image_name"] = "missing.jpg"
    job = with_items(job, items)
    with pytest.raises(UserError, match=r"missing\.jpg.*image of item 'test-9'.*on_bad_image=blank"):
        embed(options, job)
    embedding = embed(make_options(*OVERRIDES, "data.image.on_bad_image=blank"), job)
    assert (embedding.num_kept, embedding.num_blank_images) == (7, 1)
    assert [item.item_id for item in open_embeddings(job.out).items() if item.blank_image] == ["test-9"]


@pytest.mark.parametrize("modality", ["image", "text"])
def test_a_model_of_one_modality_needs_no_files_of_the_other(
    job: EmbeddingJob, make_options: MakeOptions, modality: str
) -> None:
    other = "text" if modality == "image" else "image"
    options = make_options(*OVERRIDES, f"model.{other}_encoder=null", "data.text.tokenizer=nowhere")
    if modality == "text":
        options = make_options(*OVERRIDES, "model.image_encoder=null")
        job = replace(job, images=Path("nowhere"))
    save(run_folder("tiny").checkpoints, fresh_state(options))
    assert embed(options, job).record.num_items == 40


def test_a_model_without_threshold_branch_has_match_numbers_alone(job: EmbeddingJob, make_options: MakeOptions) -> None:
    options = make_options(*OVERRIDES, "model.threshold_branch=false")
    save(run_folder("tiny").checkpoints, fresh_state(options))
    record = embed(options, job).record
    assert (record.threshold_width, record.match_width) == (0, 16)
    assert numbers(job.out).shape == (40, 16)
