"""Every command of an index in a process of its own, as users run them, on both back ends."""

import json
from pathlib import Path

import pytest

from engine.disk import write_lines
from tests import command_server
from tests.tiny_embeddings import numbers, write_embeddings

pytestmark = pytest.mark.xdist_group("catalogue_processes")
"""So that the commands run once, not in each process of the tests."""

IDS = ["levi's-501", 'the "best"', "back\\slash", "100%", "tab\there", "😀", *(f"item{row}" for row in range(6, 40))]


def run(*arguments: object) -> str:
    ended = command_server.run(["-m", "scripts", "catalogue", *arguments])
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the commands printed and wrote, by back end."""
    return {backend: work(tmp_path_factory.mktemp(backend), backend) for backend in ("faiss", "milvus")}


def work(folder: Path, backend: str) -> list[str]:
    embeddings, index = folder / "e", folder / "i"
    write_embeddings(embeddings, numbers(40), IDS)
    results = [run("index", embeddings, index, "--backend", backend).splitlines()[1]]
    search = ("search", index, *IDS[:6], "-k", 5, "--threshold", 0, "--jsonl")
    results.append(run(*search))
    duplicates = ("duplicates", index, folder / "out", "--threshold", 4)
    run(*duplicates)
    results.append((folder / "out" / "groups.jsonl").read_text(encoding="utf-8"))
    changed = numbers(40)
    changed[:4] *= -2
    write_embeddings(embeddings, changed[:36], [*IDS[:5], "another's", *IDS[6:36]])
    results.append(run("index", embeddings, index, "--backend", backend).splitlines()[1])
    results.append(run("search", index, *IDS[:5], "another's", "-k", 5, "--threshold", 0, "--jsonl"))
    run(*duplicates)
    results.append((folder / "out" / "groups.jsonl").read_text(encoding="utf-8"))
    pairs = write_lines_of_pairs(folder / "pairs.jsonl")
    run("mine", embeddings, pairs, folder / "mined")
    results.append((folder / "mined").read_text(encoding="utf-8"))
    assert "as it was written" in run("verify", index)
    return results


def write_lines_of_pairs(file: Path) -> Path:
    pairs = [(IDS[row], IDS[row + 1]) for row in range(6, 30, 2)]
    write_lines(file, ({"src_item_id": one, "tgt_item_id": other, "item_label": "1"} for one, other in pairs))
    return file


@pytest.mark.parametrize("place", range(7))
def test_later_processes_find_the_same_on_both_back_ends(worked: dict[str, list[str]], place: int) -> None:
    assert worked["faiss"][place] == worked["milvus"][place]


@pytest.mark.parametrize("backend", ["faiss", "milvus"])
def test_what_is_found_is_what_the_embeddings_hold(worked: dict[str, list[str]], backend: str) -> None:
    built, _, groups, changed, found, _, mined = worked[backend]
    assert built == "40 added, 0 removed, 0 kept"
    # Four changed, one replaced, four gone.
    assert changed == "5 added, 9 removed, 31 kept"
    assert groups
    assert mined
    lines = [json.loads(line) for line in found.splitlines()]
    assert [line["query"] for line in lines[::5]] == [*IDS[:5], "another's"]
    assert not {line["item_id"] for line in lines} & {IDS[5], *IDS[36:]}
