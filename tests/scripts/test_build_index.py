import sys
from pathlib import Path

import pytest

from scripts import build_index
from tests.tiny_embeddings import numbers, write_embeddings


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["build_index.py", *arguments])
    build_index.main()


@pytest.mark.parametrize("more", [[], ["--backend", "milvus"]])
def test_an_index_is_built_and_brought_up_to_date(
    more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_embeddings(tmp_path / "e", numbers(9))
    run(monkeypatch, str(tmp_path / "e"), str(tmp_path / "i"), *more, "--rebuild")
    assert "9 added, 0 removed, 0 kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "i"], "embeddings.json: is missing: no folder of embeddings"),
        (["e", "i", "--kind", "ivf_pq"], "learns from at least 256 items, not 9"),
        (["e", "i", "--memory", "1e-9"], "are allowed: allow more (--memory)"),
        (["e", "i", "--memory", "0"], "--memory"),
        (["e", "i", "--address", "http://host"], "--address: is one of --backend milvus"),
        (["e", "i", "--collection", "own"], "--collection: is one of --backend milvus"),
        (["e", "i", "--backend", "milvus", "--probes", "9"], "--probes: is one of --backend faiss"),
        (["e", "i", "--backend", "milvus", "--kind", "flat"], "--kind: is one of --backend faiss"),
    ],
)
def test_what_cannot_be_built_is_said(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_embeddings(Path("e"), numbers(9))
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, *arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.catalogue.index_folder.find_spec", lambda package: None)
    write_embeddings(tmp_path / "e", numbers(9))
    with pytest.raises(SystemExit):
        run(monkeypatch, str(tmp_path / "e"), str(tmp_path / "i"))
    assert "pip install -r requirements-index.txt" in capsys.readouterr().err
