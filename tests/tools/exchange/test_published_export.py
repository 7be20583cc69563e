"""Published checkpoints, which keep no options of their own, are exported by those of an option file."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from data.loading import load_split
from data.pair_batch import ItemBatch
from engine.onnx_encoder import MODEL, OnnxItemEncoder
from models.embedding import pack
from options.yaml_values import to_yaml
from tests.command_line import run_command
from tests.published_network import ASSETS, NETWORK, arrays, published_options, published_tree
from tests.tiny_data import write_lines
from tools.exchange import onnx_export
from tools.exchange.published_checkpoint import import_published

pytestmark = pytest.mark.xdist_group("published_export")  # which takes long to make

THRESHOLD = 1.65


def run(*arguments: object) -> str:
    """Export with these arguments and return what is printed."""
    ended = run_command("exchange", "onnx", *arguments)
    assert ended.status == 0, ended.stderr
    return ended.stdout


def refusal(*arguments: object) -> str:
    """Return what the command says in refusing these arguments."""
    ended = run_command("exchange", "onnx", *arguments)
    assert ended.status == 2
    return ended.stderr


@pytest.fixture
def option_file(tmp_path: Path) -> Path:
    file = tmp_path / "published.yml"
    file.write_text(to_yaml(published_tree("timm")), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command makes of the published network as it is downloaded."""
    place = tmp_path_factory.mktemp("published")
    file = place / "published.yml"
    file.write_text(to_yaml(published_tree("timm")), encoding="utf-8")
    run(NETWORK, place / "out", "--options", file, f"predict.threshold={THRESHOLD}")
    return place / "out"


@pytest.fixture
def graph_at_hand(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of writing the graph, which takes seconds, the one that was written before."""

    def copy(encoder: object, batch: ItemBatch, reads: object, file: Path) -> None:
        shutil.copy(exported / MODEL, file)

    monkeypatch.setattr(onnx_export, "write_graph", copy)


def test_the_graph_gives_the_published_embeddings(exported: Path, tmp_path: Path) -> None:
    options = published_options(tmp_path / "published.yml", "timm")
    assert options.data.train is not None
    split = load_split(options.data.train, options.data, options.reads, labelled=True)
    packed = pack(OnnxItemEncoder(exported)(split.items.batch(range(len(split.catalog)))))
    expected = arrays("inputs_and_outputs.npz")
    torch.testing.assert_close(packed, torch.cat([expected["p"], expected["q"]], dim=1), rtol=1e-4, atol=1e-5)


def test_the_decision_is_that_of_the_option_file_and_the_step_unknown(exported: Path) -> None:
    described = json.loads((exported / "preprocessing.json").read_text(encoding="utf-8"))
    assert described["decision"]["threshold"] == THRESHOLD
    assert described["step"] is None


@pytest.mark.usefixtures("graph_at_hand")
@pytest.mark.parametrize("form", ["parts", "imported"])
def test_parts_and_imported_checkpoints_are_exported_too(form: str, option_file: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "net.pth"
    if form == "imported":
        checkpoint = tmp_path / "imported"
        import_published(NETWORK, checkpoint, "timm")
    else:
        content = NETWORK.read_bytes()
        (tmp_path / "net.pth.partaa").write_bytes(content[:500_000])
        (tmp_path / "net.pth.partab").write_bytes(content[500_000:])
    assert run(checkpoint, tmp_path / "out", "--options", option_file, "predict.threshold=0.0").count(" yes") == 7


@pytest.mark.usefixtures("graph_at_hand")
def test_without_validation_items_those_to_predict_are_compared(option_file: Path, tmp_path: Path) -> None:
    given = ("--options", option_file, "predict.threshold=0.0", "data.val=null")
    assert "on items of data.test" in run(NETWORK, tmp_path / "out", *given)
    assert "data.val, data.test: the options name neither" in refusal(
        NETWORK, tmp_path / "other", *given, "data.test=null"
    )


def test_int8_needs_labels(option_file: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    lines = (ASSETS / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    unlabelled = [{name: value for name, value in json.loads(line).items() if name != "item_label"} for line in lines]
    write_lines(pairs, unlabelled)
    given = ("--options", option_file, "predict.threshold=0.0", f"data.val.pairs={pairs}")
    message = refusal(NETWORK, tmp_path / "out", *given, "--int8")
    assert "has no 'item_label'" in message
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_named(option_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    message = refusal(NETWORK, out)
    assert "network.pth: keeps no options of its own; give the model's with --options OPTION_FILE" in message
    message = refusal(NETWORK, out, "predict.threshold=0.0")
    assert "predict.threshold=0.0: changes an option file; name that (--options)" in message
    message = refusal(NETWORK, out, "--options", option_file)
    assert "predict.threshold: learned is kept by checkpoints that were evaluated" in message
    assert "give a number" in message
    given = ("--options", option_file, "predict.threshold=0.0")
    assert "no such checkpoint file" in refusal(tmp_path / "absent.pth", out, *given)
    assert not out.exists()
