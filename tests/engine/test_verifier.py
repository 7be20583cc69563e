import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from data.image_store import open_images
from data.item_catalog import read_items
from engine.checksums import recorded_checksum
from engine.decision_rule import DecisionRule, EstimatedFigure, RuleRecord, write_rule
from engine.experiment import ExperimentOptions
from engine.pair_scores import VALIDATION
from engine.predictor import run_prediction
from engine.verifier import Verifier
from options.errors import UserError
from options.read import read_options
from tests.command_server import run
from tests.engine.conftest import ALONE
from tests.exported_encoder import ExportedRun
from tests.trained_run import Trained


@pytest.fixture(scope="module")
def verifier(trained: Trained) -> Verifier:
    return Verifier.load(trained(), processes=ALONE)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def sides(dataset: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    items = {line["item_id"]: line for line in lines(dataset / "item_test_info.jsonl")}
    pairs = lines(dataset / "item_test_pair.jsonl")
    return [items[pair["src_item_id"]] for pair in pairs], [items[pair["tgt_item_id"]] for pair in pairs]


def predicted_margins(run: Path, dataset: Path) -> np.ndarray:
    """The margins of a prediction, by an index of its submission file's embeddings and plain sums in float64."""
    file = run / "predictions/for_verifier.jsonl"
    options = read_options(ExperimentOptions, run / "options.yml", [f"predict.output={file}"])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(run.parents[1])
        run_prediction(options, ALONE)
    margins = []
    for line in lines(file):
        source, target = (np.array(json.loads(line[f"{side}_item_emb"]), np.float32) for side in ("src", "tgt"))
        products = torch.from_numpy(source).double() * torch.from_numpy(target).double()
        half = len(products) // 2
        margins.append(float(products[half:].sum() - products[:half].sum()))
    return np.array(margins)


def test_margins_are_those_of_a_prediction_bit_for_bit(
    trained: Trained, tiny_dataset: Path, verifier: Verifier
) -> None:
    score = verifier.score(*sides(tiny_dataset), images=tiny_dataset / "images")
    assert score.margin.dtype == torch.float64
    assert score.margin.tolist() == predicted_margins(trained(), tiny_dataset).tolist()


def test_items_are_encoded_in_the_order_given_and_dictionaries_as_items(tiny_dataset: Path, verifier: Verifier) -> None:
    catalog = read_items(tiny_dataset / "item_test_info.jsonl")
    records = lines(tiny_dataset / "item_test_info.jsonl")
    embedding = verifier.encode(list(catalog), tiny_dataset / "images")
    again = verifier.encode(records[::-1], open_images(tiny_dataset / "images", verifier.options.data.image))
    assert embedding.match.shape == (40, 16)
    assert embedding.threshold.shape == (40, 16)
    torch.testing.assert_close(embedding.match, again.match.flip(0))
    torch.testing.assert_close(embedding.threshold, again.threshold.flip(0))


def test_pictures_may_be_paths_bytes_or_opened_images(tiny_dataset: Path, verifier: Verifier) -> None:
    records = lines(tiny_dataset / "item_test_info.jsonl")[:6]
    files = [tiny_dataset / "images" / record["item_image_name"] for record in records]
    from_folder = verifier.encode(records, str(tiny_dataset / "images"))
    pictures = [file if place % 3 == 0 else file.read_bytes() if place % 3 == 1 else Image.open(file)
                for place, file in enumerate(files)]  # fmt: skip
    given = verifier.encode(
        records, {record["item_image_name"]: p for record, p in zip(records, pictures, strict=True)}
    )
    assert torch.equal(from_folder.match, given.match)


def test_decisions_are_margins_above_the_threshold(tiny_dataset: Path, verifier: Verifier) -> None:
    margins = verifier.score(*sides(tiny_dataset), images=tiny_dataset / "images").margin.numpy()
    decisions = verifier.decide(*sides(tiny_dataset), images=tiny_dataset / "images")
    assert decisions.tolist() == (margins > verifier.threshold).tolist()
    assert 0 < decisions.sum() < len(decisions)


def test_thresholds_of_categories_are_applied(trained: Trained, tiny_dataset: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained(), tmp_path / "run"))
    loaded = Verifier.load(run, processes=ALONE)
    checksum = recorded_checksum(loaded.checkpoint, VALIDATION)
    assert checksum is not None
    rule = DecisionRule(1e9, {"花瓶": -1e9})
    figures = {"f1": EstimatedFigure(0.5, 0.4, 0.6)}
    write_rule(loaded.checkpoint, RuleRecord(1, "f1", rule, figures, 0.95, 60, 8, 100, 0, "0" * 64, checksum))
    source, target = ([{**item} for item in side] for side in sides(tiny_dataset))
    target[0]["cate_name"] = "茶杯"
    loaded = Verifier.load(run, processes=ALONE)
    assert loaded.threshold == 1e9
    decisions = loaded.decide(source, target, images=tiny_dataset / "images")
    assert decisions.tolist() == [False] + [True] * 59


def test_a_threshold_may_be_a_number_or_the_learned_one(trained: Trained) -> None:
    assert Verifier.load(trained(), threshold=0.25, processes=ALONE).threshold == 0.25
    assert Verifier.load(trained(), threshold="learned", processes=ALONE).threshold == 0.0
    calibrated = Verifier.load(trained(), processes=ALONE)
    assert calibrated.threshold == Verifier.load(calibrated.checkpoint, processes=ALONE).threshold != 0.0


def test_a_model_of_texts_needs_no_pictures(trained: Trained) -> None:
    run = trained("model.image_encoder=null", "train.accumulate=2")
    verifier = Verifier.load(run, processes=ALONE)
    one, other = {"title": "花瓶 1号"}, {"title": "花瓶 2号", "item_id": "8"}
    assert verifier.score([one, one], [one, other]).margin.shape == (2,)


@pytest.mark.parametrize(
    ("items", "images", "message"),
    [
        ([{"title": "花瓶", "item_image_name": "a.jpg"}], None, "reads pictures: give images"),
        ([{"title": "花瓶"}], {}, "item_image_name"),
        ([{"title": "花瓶", "item_image_name": "a.jpg", "item_id": "8"}], {}, "a.jpg: no picture"),
        ([{"title": 3, "item_image_name": "a.jpg"}], {}, "title"),
    ],
    ids=["no pictures", "no name of a picture", "no picture of the name", "no text"],
)
def test_an_item_that_cannot_be_read_is_named(
    verifier: Verifier, items: list[dict[str, object]], images: dict[str, Path] | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        verifier.encode(items, images)


def test_a_path_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no checkpoint and no folder of a run"):
        Verifier.load(tmp_path)
    (tmp_path / "some.pth").write_bytes(b"")
    with pytest.raises(UserError, match="keeps no options of its own"):
        Verifier.load(tmp_path / "some.pth")


@pytest.mark.xdist_group("exported_run")
def test_an_exported_folder_is_a_model_by_itself(exported_run: ExportedRun, tiny_dataset: Path) -> None:
    exported = Verifier.load(exported_run.folder)
    original = Verifier.load(exported_run.checkpoint, processes=ALONE)
    assert exported.threshold == original.threshold
    margins = [
        model.score(*sides(tiny_dataset), images=tiny_dataset / "images").margin for model in (exported, original)
    ]
    torch.testing.assert_close(*margins, atol=1e-4, rtol=1e-4)
    with pytest.raises(UserError, match="keeps the calibrated threshold alone"):
        Verifier.load(exported_run.folder, threshold="learned")
    assert Verifier.load(exported_run.folder, threshold=1.5).threshold == 1.5


def test_five_lines_in_an_empty_folder_print_a_decision(trained: Trained, tiny_dataset: Path, tmp_path: Path) -> None:
    code = (
        "from engine.verifier import Verifier\n"
        f"verifier = Verifier.load({str(trained())!r})\n"
        f"one, other = ({{'title': '花瓶', 'item_image_name': f'test{{n}}.jpg'}} for n in (0, 8))\n"
        f"images = {str(tiny_dataset / 'images')!r}\n"
        "print(verifier.decide([one], [other], images))"
    )
    ended = run(["-c", code], cwd=tmp_path)
    assert ended.stdout in ("[ True]\n", "[False]\n"), ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_photograph_that_lies_on_its_side_is_the_standing_one_where_pictures_are_read_upright(
    trained: Trained, tmp_path: Path
) -> None:
    options = read_options(ExperimentOptions, trained() / "options.yml", ["data.image.upright=true"])
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(noise).save(tmp_path / "standing.png")
    Image.fromarray(np.rot90(noise).copy()).save(tmp_path / "lying.tiff", exif=exif)
    items = [{"title": "花瓶", "item_image_name": name} for name in ("standing.png", "lying.tiff")]
    given = {"standing.png": tmp_path / "standing.png", "lying.tiff": Image.open(tmp_path / "lying.tiff")}
    upright = Verifier.load(trained(), options, 0.0, processes=ALONE)
    for images in (tmp_path, given):
        embedding = upright.encode(items, images)
        assert torch.equal(embedding.match[0], embedding.match[1])
    as_stored = Verifier.load(trained(), threshold=0.0, processes=ALONE).encode(items, tmp_path)
    assert torch.equal(as_stored.match[0], embedding.match[0])
    assert not torch.allclose(as_stored.match[1], embedding.match[1], atol=1e-3)


def test_embeddings_state_the_rules_of_pictures(trained: Trained) -> None:
    plain, upright = (
        read_options(ExperimentOptions, trained() / "options.yml", overrides).encoding["data"]
        for overrides in ([], ["data.image.upright=true"])
    )
    assert isinstance(plain, dict)
    assert isinstance(upright, dict)
    assert [*plain["image"]] == ["size", "mean", "std", "upright", "color_profile"]
    assert upright["image"] == {**plain["image"], "upright": True}
