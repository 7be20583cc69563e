"""A published checkpoint, given to predict.checkpoint as it was downloaded, answers the test pairs."""

import json
from pathlib import Path

import pytest
import torch

from engine.predictor import Prediction, run_prediction
from options.errors import UserError
from tests.engine.conftest import ALONE
from tests.published_network import ASSETS, NETWORK, Library, arrays, published_options
from tools.exchange.published_checkpoint import import_published
from tools.study.submission import check_submission

THRESHOLD = 1.65


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def checkpoint(form: str) -> Path:
    """The published network as a whole file, as the parts it is downloaded in, or imported."""
    if form == "imported":
        import_published(NETWORK, Path("imported"), "timm")
        return Path("imported")
    if form == "whole":
        return NETWORK
    content = NETWORK.read_bytes()
    Path("net.pth.partaa").write_bytes(content[:500_000])
    Path("net.pth.partab").write_bytes(content[500_000:])
    return Path(form)


def predict(checkpoint: Path, library: Library, threshold: str = str(THRESHOLD)) -> Prediction:
    overrides = (f"predict.checkpoint={checkpoint}", f"predict.threshold={threshold}", "predict.output=out.jsonl")
    prediction = run_prediction(published_options(Path("published.yml"), library, *overrides), ALONE)
    assert prediction is not None
    return prediction


@pytest.mark.parametrize(
    ("form", "library"),
    [
        ("whole", "timm"),
        ("whole", "transformers"),
        ("net.pth", "timm"),
        ("net.pth.partaa", "timm"),
        ("net.pth.partab", "timm"),
        ("imported", "timm"),
    ],
)
def test_it_writes_the_submission_of_the_published_network(form: str, library: Library) -> None:
    expected = arrays("inputs_and_outputs.npz")
    margins = expected["logits"][:, 1] - expected["logits"][:, 0]
    prediction = predict(checkpoint(form), library)
    assert prediction.num_pairs == 6
    assert prediction.threshold == THRESHOLD
    assert prediction.num_positives == int((margins > THRESHOLD).sum())
    lines = [json.loads(line) for line in prediction.file.read_text(encoding="utf-8").splitlines()]
    assert {line["threshold"] for line in lines} == {THRESHOLD}
    packed = torch.cat([expected["p"], expected["q"]], dim=1)
    for side, rows in (("src", expected["source"]), ("tgt", expected["target"])):
        written = torch.tensor([json.loads(line[f"{side}_item_emb"]) for line in lines])
        torch.testing.assert_close(written, packed[rows], rtol=1e-4, atol=1e-5)
    report = check_submission(prediction.file, ASSETS / "pairs.jsonl", labelled=True)
    assert not report.faults
    assert report.num_positives == prediction.num_positives


def test_the_threshold_decides_as_it_does_on_the_published_scores() -> None:
    expected = arrays("inputs_and_outputs.npz")["logits"]
    num_above = int((expected[:, 1] - expected[:, 0] > 0.3).sum())
    assert 0 < num_above < len(expected)
    assert predict(NETWORK, "timm", threshold="0.3").num_positives == num_above


def test_a_kept_threshold_is_refused_since_the_file_keeps_none() -> None:
    with pytest.raises(UserError, match=r"predict\.threshold: calibrated is kept by checkpoints .*give a number"):
        predict(NETWORK, "timm", threshold="calibrated")


def test_a_network_of_other_sizes_names_the_tensors_that_do_not_fit() -> None:
    options = published_options(
        Path("published.yml"), "timm", f"predict.checkpoint={NETWORK}", "predict.threshold=0.0",
        "model.embedding_width=8",
    )  # fmt: skip
    with pytest.raises(UserError, match=r"match\.projection\.weight is 16x64 and should be 8x64"):
        run_prediction(options, ALONE)
