"""The commands of a catalogue; embed also as a user starts it, on two machines that share their files alone."""

import json
import os
import re
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.experiment import ExperimentOptions
from engine.run_folder import run_folder
from options.read import read_options
from options.yaml_values import to_yaml
from tests.command_line import run_command
from tests.command_server import ENVIRONMENT, Started, start
from tests.engine.conftest import ALONE, fresh_state, save
from tests.tiny_data import option_tree, write_lines
from tests.tiny_embeddings import numbers, write_embeddings
from tests.trained_catalogue import catalogue_folder, trained_catalogue
from tools.catalogue.embedder import EmbeddingJob, run_embedding
from tools.catalogue.embedding_folder import open_embeddings
from tools.preparation.image_packing import PackSettings, pack_images

__all__ = ["catalogue_folder", "trained_catalogue"]

ROOT = Path(__file__).parents[2]
CHOICE = "predict.checkpoint=latest"
NO_THRESHOLD = "neither calibrated nor learned nor a finite number"


def tiny_options() -> ExperimentOptions:
    return read_options(ExperimentOptions, Path("tiny.yml"), [CHOICE])


@pytest.fixture
def job(tmp_path: Path, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddingJob:
    """A catalogue of 1,200 items, in a folder with tiny.yml and a checkpoint."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.yml").write_text(to_yaml(option_tree(tiny_dataset)), encoding="utf-8")
    save(run_folder("tiny").checkpoints, fresh_state(tiny_options()))
    lines = [json.loads(line) for line in (tiny_dataset / "item_test_info.jsonl").read_text().splitlines()]
    items = [{**line, "item_id": f"{line['item_id']}-{copy}"} for copy in range(30) for line in lines]
    file = write_lines(tmp_path / "items.jsonl", items)
    return EmbeddingJob(file, tiny_dataset / "images", tmp_path / "out", "float16", 20)


def embed(job: EmbeddingJob, machine: int, machines: int, num_processes: int) -> Started:
    """Start the command on a machine; several processes under torchrun, and one forked."""
    arguments = [job.items, job.images, job.out, "--type", job.type, "--shard-items", 20, CHOICE]
    launcher = ["-m", "engine.launch", "--apart"] if num_processes > 1 else []
    place = {"PET_NNODES": str(machines), "PET_NODE_RANK": str(machine), "NPROC": str(num_processes)}
    return start(
        [*launcher, "-m", "scripts", "catalogue", "embed", "tiny.yml", *arguments],
        cwd=job.items.parent,
        env={**os.environ, **ENVIRONMENT, **place},
        start_new_session=True,
    )


def wait_for(file: Path, process: Started) -> None:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None, process.stderr
        assert time.monotonic() < deadline
        time.sleep(0.01)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.startswith(".")}


def test_two_machines_write_the_bytes_of_one_also_where_one_is_killed_and_started_again(job: EmbeddingJob) -> None:
    # Under torchrun, with two processes, and as a process alone: these take shards 0, 2, 4, ... and 1, 3, 5, ...
    first, second = embed(job, 0, 2, num_processes=2), embed(job, 1, 2, num_processes=1)
    wait_for(job.out / "shard_00003.json", second)
    os.killpg(second.pid, signal.SIGKILL)
    second.communicate()
    kept = {*job.out.glob("shard_*.json")}
    assert job.out / "shard_00059.json" not in kept
    second = embed(job, 1, 2, num_processes=1)
    _, stderr = second.communicate(timeout=120)
    assert second.returncode == 0, stderr
    stdout, stderr = first.communicate(timeout=120)
    assert first.returncode == 0, stderr
    assert stdout.splitlines()[0].endswith(
        "out: 1,200 items in 60 shards, 16 threshold and 16 match numbers each, float16"
    )
    alone = replace(job, out=job.out.with_name("alone"))
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run_embedding(tiny_options(), alone, ALONE)
    torch.set_num_threads(num_threads)
    assert content(job.out) == content(alone.out)


def test_a_command_that_is_told_to_stop_ends_with_status_75_and_goes_on_when_run_again(job: EmbeddingJob) -> None:
    process = embed(job, 0, 1, num_processes=1)
    wait_for(job.out / "shard_00002.json", process)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "of 1,200 items are kept" in stderr
    assert "Traceback" not in stderr
    num_kept = 20 * len(list(job.out.glob("shard_*.json")))
    embedding = run_embedding(tiny_options(), job, ALONE)
    assert embedding is not None
    assert embedding.num_kept == num_kept < 1200
    assert len(open_embeddings(job.out)) == 1200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'ITEMS'"),
        (["a", "b", "c", "--type", "float64"], "'float64' is not one of 'float32', 'float16'"),
        (["a", "b", "c", "--shard-items", "0"], "Invalid value for '--shard-items'"),
        (["a", "b", "c", "trian.steps=3"], "did you mean train"),
        (["a", "b", "c", "trian.steps=3", "--check"], "did you mean train"),
    ],
)
def test_wrong_arguments_of_embed_end_with_status_2(arguments: list[str], message: str, job: EmbeddingJob) -> None:
    ended = run_command("catalogue", "embed", "tiny.yml", *arguments)
    assert ended.status == 2
    assert message in ended.stderr


def test_a_check_of_right_options_embeds_nothing(job: EmbeddingJob) -> None:
    ended = run_command("catalogue", "embed", "tiny.yml", job.items, job.images, job.out, CHOICE, "--check")
    assert ended == (0, "", "")
    assert not job.out.exists()


@pytest.mark.parametrize("more", [[], ["--backend", "milvus"]])
def test_an_index_is_built_and_brought_up_to_date(more: list[str], tmp_path: Path) -> None:
    write_embeddings(tmp_path / "e", numbers(9))
    for done in ("9 added, 0 removed, 0 kept", "0 added, 0 removed, 9 kept"):
        ended = run_command("catalogue", "index", tmp_path / "e", tmp_path / "i", *more)
        assert ended.status == 0
        assert done in ended.stdout
    assert "9 added" in run_command("catalogue", "index", tmp_path / "e", tmp_path / "i", *more, "--rebuild").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "i"], "embeddings.json: is missing: no folder of embeddings"),
        (["e", "i", "--kind", "ivf_pq"], "learns from at least 256 items, not 9"),
        (["e", "i", "--kind", "tree"], "'tree' is not one of 'auto', 'flat'"),
        (["e", "i", "--memory", "1e-9"], "are allowed: allow more (--memory)"),
        (["e", "i", "--memory", "0"], "--memory"),
        (["e", "i", "--memory", "nan"], "--memory"),
        (["e", "i", "--memory", "inf"], "--memory"),
        (["e", "i", "--address", "http://host"], "--address: is one of --backend milvus"),
        (["e", "i", "--collection", "own"], "--collection: is one of --backend milvus"),
        (["e", "i", "--backend", "milvus", "--probes", "9"], "--probes: is one of --backend faiss"),
        (["e", "i", "--backend", "milvus", "--kind", "flat"], "--kind: is one of --backend faiss"),
    ],
)
def test_what_cannot_be_built_is_said(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_embeddings(Path("e"), numbers(9))
    ended = run_command("catalogue", "index", *arguments)
    assert ended.status == 2
    assert message in ended.stderr


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.catalogue.index_folder.find_spec", lambda package: None)
    write_embeddings(tmp_path / "e", numbers(9))
    ended = run_command("catalogue", "index", tmp_path / "e", tmp_path / "i")
    assert ended.status == 2
    assert "pip install -r requirements-index.txt" in ended.stderr


def test_a_search_by_id_leaves_out_the_item_itself(catalogue_folder: Path) -> None:
    ended = run_command("catalogue", "search", "i", "test-3", "test-8", "-k", "4", "--jsonl")
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(line["query"], line["rank"]) for line in lines] == [
        (query, rank) for query in ("test-3", "test-8") for rank in range(1, 5)
    ]
    assert all(line["item_id"] != line["query"] for line in lines)
    assert all(line["same"] == (line["margin"] > line["threshold"]) for line in lines)


def test_a_search_by_image_and_text_finds_the_item_they_are_of(catalogue_folder: Path, tiny_dataset: Path) -> None:
    line = json.loads((tiny_dataset / "item_test_info.jsonl").read_text(encoding="utf-8").splitlines()[1])
    image = tiny_dataset / "images" / line["item_image_name"]
    new = ["--image", image, "--title", line["title"], "--attribute", "品牌=木岚", "--threshold", "0"]
    ended = run_command("catalogue", "search", "i", *new, "-k", "3")
    assert len(ended.stdout.splitlines()) == 5
    assert "threshold: as given" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["i", "nobody"], "i: has no item 'nobody'"),
        (["i", "--title", "花瓶"], "its model reads images; give that of the item"),
        (["i", "--image", "none.jpg", "--title", "花瓶"], "none.jpg"),
        (["no_index", "test-3"], "index.json: is missing: no index"),
        (["i"], "give either ids of items or a new item"),
        (["i", "test-3", "--attribute", "x"], "give either"),
        (["i", "--attribute", "x"], "'x' is not KEY=VALUE"),
        *((["i", "test-3", "--threshold", text], NO_THRESHOLD) for text in ("high", "nan", "inf", "-inf", "")),
    ],
)
def test_what_cannot_be_looked_for_is_said(arguments: list[str], message: str, catalogue_folder: Path) -> None:
    ended = run_command("catalogue", "search", *arguments)
    assert ended.status == 2
    assert message in ended.stderr


def test_one_command_writes_groups_pairs_and_a_page(catalogue_folder: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    items = tiny_dataset / "item_test_info.jsonl"
    ids = [json.loads(line)["item_id"] for line in items.read_text(encoding="utf-8").splitlines()]
    truth = write_lines(tmp_path / "truth.jsonl", [{"item_id": own, "product": n // 2} for n, own in enumerate(ids)])
    out = tmp_path / "out"
    more = ["--items", items, "--images", tiny_dataset / "images", "--truth", truth]
    assert run_command("catalogue", "duplicates", "i", out, *more).status == 0
    summary = json.loads((out / "summary.json").read_text())
    groups = [json.loads(line) for line in (out / "groups.jsonl").read_text().splitlines()]
    assert summary["items"] == summary["searched_for_now"] == len(ids)
    assert summary["truth_num_true_pairs"] == len(ids) // 2
    assert summary["groups"] == len(groups)
    page = (out / "groups.html").read_text(encoding="utf-8")
    assert "F1 of pairs against the truth" in page
    assert "data:image/jpeg" in page or not groups
    again = run_command("catalogue", "duplicates", "i", out, "--within-categories")
    assert re.search(r"searched for now +0\n", again.stdout)


def test_a_page_shows_the_pictures_of_a_pack_of_any_size(
    catalogue_folder: Path, tiny_dataset: Path, tmp_path: Path
) -> None:
    items = tiny_dataset / "item_test_info.jsonl"
    pack = tmp_path / "images.pack"
    pack_images(tiny_dataset / "images", pack, [items], PackSettings("pixels", 8, follow_links=False), processes=1)
    more = ["--items", items, "--images", pack, "--threshold", "-1000"]
    assert run_command("catalogue", "duplicates", "i", tmp_path / "out", *more).status == 0
    assert "data:image/jpeg" in (tmp_path / "out" / "groups.html").read_text(encoding="utf-8")


def test_images_that_are_not_there_are_told_before_the_search(
    catalogue_folder: Path, tiny_dataset: Path, tmp_path: Path
) -> None:
    more = ["--items", tiny_dataset / "item_test_info.jsonl", "--images", tmp_path / "none.pack"]
    assert run_command("catalogue", "duplicates", "i", tmp_path / "out", *more).status == 2
    assert not (tmp_path / "out" / "found").exists()


def test_images_without_items_are_refused() -> None:
    ended = run_command("catalogue", "duplicates", "i", "out", "--images", "images")
    assert ended.status == 2
    assert "--images: are shown with the items (--items)" in ended.stderr


def test_mining_writes_the_same_bytes_again(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "embeddings", numbers(24)).path
    lines = [
        {"src_item_id": f"item{first}", "tgt_item_id": f"item{first + 1}", "item_label": "1"}
        for first in range(0, 20, 2)
    ]
    pairs = write_lines(tmp_path / "pairs.jsonl", lines)
    for name in ("a", "b"):
        ended = run_command("catalogue", "mine", embeddings, pairs, tmp_path / name)
        assert "near misses" in ended.stdout
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    ended = run_command("catalogue", "mine", embeddings, pairs, tmp_path / "b")
    assert ended.status == 2
    assert "exists already" in ended.stderr


@pytest.mark.parametrize("ceiling", ["nan", "inf", "-inf"])
def test_a_ceiling_that_is_no_number_is_refused(ceiling: str) -> None:
    ended = run_command("catalogue", "mine", "embeddings", "pairs", "out", "--ceiling", ceiling)
    assert ended.status == 2
    assert f"--ceiling: '{ceiling}' is no finite number" in ended.stderr
