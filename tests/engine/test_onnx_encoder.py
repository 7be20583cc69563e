import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from engine import onnx_encoder
from engine.checksums import write_checksums
from engine.onnx_encoder import EXPORT, MODEL, OnnxItemEncoder, check_onnx_packages, read_description
from engine.verifier import Verifier
from models.options import AgreementOptions
from options.errors import UserError
from tests.engine.conftest import ALONE
from tests.exported_encoder import ExportedRun
from tools.catalogue.embedder import EmbeddingJob, run_embedding
from tools.catalogue.embedding_folder import open_embeddings

pytestmark = pytest.mark.xdist_group("exported_run")  # which takes long to make


@pytest.fixture
def folder(exported_run: ExportedRun, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(exported_run.folder, tmp_path / "exported"))


def job(tiny_dataset: Path, out: Path, onnx: Path | None) -> EmbeddingJob:
    return EmbeddingJob(tiny_dataset / "item_test_info.jsonl", tiny_dataset / "images", out, "float32", 16, onnx)


def numbers(out: Path) -> np.ndarray:
    return np.concatenate(list(open_embeddings(out).blocks(100)))


def test_a_catalogues_embeddings_are_those_of_the_checkpoint(
    exported_run: ExportedRun, tiny_dataset: Path, tmp_path: Path
) -> None:
    options = exported_run.options.model_copy(
        update={"predict": exported_run.options.predict.model_copy(update={"checkpoint": str(exported_run.checkpoint)})}
    )
    run_embedding(options, job(tiny_dataset, tmp_path / "torch", None), ALONE)
    run_embedding(options, job(tiny_dataset, tmp_path / "onnx", exported_run.folder), ALONE)
    expected = numbers(tmp_path / "torch")
    assert expected.shape == (40, 2 * 16 + 2 + 2 * 8)
    np.testing.assert_allclose(numbers(tmp_path / "onnx"), expected, atol=1e-4)


def test_no_buffer_of_one_branch_is_held_until_the_other_one_runs(
    exported_run: ExportedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    class Session(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, file: Path, settings: onnxruntime.SessionOptions, providers: list[str]) -> None:
            super().__init__(file, settings, providers=providers)
            opened.append((settings.enable_mem_reuse, settings.enable_mem_pattern))

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    OnnxItemEncoder(exported_run.folder)
    assert opened == [(False, False)]


def test_items_are_prepared_as_the_folder_says(exported_run: ExportedRun, folder: Path) -> None:
    other = exported_run.options.data.text.model_copy(update={"max_tokens": 5, "tokenizer": "none", "attributes": ()})
    data = exported_run.options.data.model_copy(update={"text": other})
    compared = AgreementOptions(attributes=exported_run.options.reads.attributes.names)
    model = exported_run.options.model.model_copy(update={"agreement": compared})
    options = exported_run.options.model_copy(update={"data": data, "model": model})
    prepared = OnnxItemEncoder(folder).prepared(options)
    assert prepared.reads.attributes == exported_run.options.reads.attributes
    text = prepared.data.text
    assert (text.max_tokens, text.tokenizer) == (exported_run.options.data.text.max_tokens, str(folder))
    assert text.attributes == exported_run.options.data.text.attributes


def test_an_option_file_of_a_model_that_reads_other_parts_is_refused(exported_run: ExportedRun) -> None:
    model = exported_run.options.model.model_copy(update={"image_encoder": None})
    options = exported_run.options.model_copy(update={"model": model})
    message = r"reads images and token_ids and attention_mask and attributes.*option file of its run"
    with pytest.raises(UserError, match=message):
        OnnxItemEncoder(exported_run.folder).prepared(options)


def test_an_option_file_that_compares_other_attributes_is_refused(exported_run: ExportedRun) -> None:
    model = exported_run.options.model.model_copy(update={"agreement": AgreementOptions(attributes=("品牌", "型号"))})
    options = exported_run.options.model_copy(update={"model": model})
    with pytest.raises(UserError, match="option file of its run"):
        OnnxItemEncoder(exported_run.folder).prepared(options)


def test_a_damaged_graph_is_refused_by_name(folder: Path) -> None:
    (folder / MODEL).write_bytes((folder / MODEL).read_bytes()[:-1])
    with pytest.raises(UserError, match=r"item_encoder\.onnx: is damaged or cut off"):
        OnnxItemEncoder(folder)


def test_a_folder_of_which_any_byte_was_changed_is_refused(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for file in sorted(folder.iterdir()):
        whole = file.read_bytes()
        for place in (0, len(whole) - 1, *rng.integers(0, len(whole), 6)):
            changed = bytearray(whole)
            changed[place] ^= int(rng.integers(1, 256))
            file.write_bytes(changed)
            with pytest.raises(UserError):
                Verifier.load(folder)
        file.write_bytes(whole)
    assert Verifier.load(folder).step is not None


@pytest.mark.parametrize(
    ("path", "wrong", "named"),
    [
        (("decision", "threshold"), "NaN", "decision.threshold"),
        (("decision", "threshold"), "true", "decision.threshold"),
        (("decision", "categories"), '{"花瓶": "1"}', "decision.categories.花瓶"),
        (("threshold_width",), "-1", "threshold_width"),
        (("threshold_width",), "9" * 400, "threshold_width"),
        (("match_width",), "1", "threshold_width, match_width"),
        (("inputs",), "{}", "inputs"),
        (("image", "size"), "1000000000000", "image.size"),
        (("image", "std"), "[0, 0, 0]", "image.std"),
        (("text", "max_tokens"), "-3", "text.max_tokens"),
        (("text", "padding_id"), '"0"', "text.padding_id"),
        (("step",), "1.5", "step"),
    ],
)
def test_a_wrong_value_of_the_description_is_named(folder: Path, path: list[str], wrong: str, named: str) -> None:
    file = folder / "preprocessing.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    section = record
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = "WRONG"
    file.write_text(json.dumps(record, ensure_ascii=False).replace('"WRONG"', wrong), encoding="utf-8")
    write_checksums(folder)
    with pytest.raises(UserError, match=re.escape(named)) as raised:
        Verifier.load(folder)
    assert str(file) in str(raised.value)


def test_two_graphs_have_other_states(folder: Path) -> None:
    state = OnnxItemEncoder(folder).state_dict()
    sums = folder / "SHA256SUMS"
    line = next(line for line in sums.read_text().splitlines() if line.endswith(MODEL))
    assert bytes(state["checksum"].tolist()).hex() == line.split()[0]


def test_two_graphs_with_their_weights_in_a_file_beside_them_have_other_states(folder: Path) -> None:
    weights = folder / f"{MODEL}.data"
    onnx.save_model(onnx.load(folder / MODEL), folder / MODEL, save_as_external_data=True, location=weights.name)
    write_checksums(folder)
    before = OnnxItemEncoder(folder).state_dict()["checksum"].tolist()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    write_checksums(folder)
    assert OnnxItemEncoder(folder).state_dict()["checksum"].tolist() != before


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"preprocessing\.json: is missing: no exported encoder"):
        read_description(tmp_path)


def test_a_description_of_another_format_is_refused(folder: Path) -> None:
    file = folder / "preprocessing.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"format": 3', '"format": 9'), encoding="utf-8")
    with pytest.raises(UserError, match="format 9 is not 3"):
        read_description(folder)


def test_installed_packages_pass() -> None:
    check_onnx_packages(*EXPORT)


def test_missing_packages_are_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_encoder, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(
        UserError, match=r"not installed: onnxscript; run `.*python.* -m pip install -r requirements-onnx\.txt`"
    ):
        check_onnx_packages(*EXPORT)
