import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as multiprocessing

from data.item_tensors import KEY_BYTES
from data.loading import Split, load_split
from data.options import ImageOptions
from engine import known_features
from engine.distributed import Processes
from engine.encode import encode_items, encoding_plan
from engine.experiment import ExperimentOptions
from engine.known_features import FeatureStore, feature_store, with_known_features
from engine.run_folder import run_folder
from engine.stop_request import StoppedError, StopRequest
from engine.trainer import run_training
from models.encoder import Encoder
from models.encoder_options import TimmImageEncoderOptions, TransformersTextEncoderOptions
from models.item_encoder import ItemEncoder, build_item_encoder
from options.errors import UserError
from tests.engine.conftest import ALONE, LATE_FUSION, MakeOptions
from tests.engine.processes import run_processes
from tests.engine.test_trainer import final_tensors, killed_after, lines, without_speed  # noqa: F401
from tests.tiny_data import IMAGE_ENCODER, TEXT_ENCODER

ALL = ("model.text_encoder.freeze=all", "model.image_encoder.freeze=all")
IMAGE_ALONE = ("model.image_encoder.freeze=all",)


def split_and_encoder(options: ExperimentOptions) -> tuple[Split, ItemEncoder]:
    assert options.data.val is not None
    torch.manual_seed(0)
    encoder = build_item_encoder(options.model, options.data.image).eval()
    return load_split(options.data.val, options.data, options.reads, labelled=True), encoder


def test_the_store_may_be_read_by_whoever_may_read_new_files(tmp_path: Path) -> None:
    file = tmp_path / "store/text.safetensors"
    file.parent.mkdir()
    (file.parent / "new").touch()
    FeatureStore(file, 2).add([bytes(KEY_BYTES)], torch.ones(1, 2))
    assert file.stat().st_mode == (file.parent / "new").stat().st_mode


@pytest.mark.parametrize("frozen", [ALL, IMAGE_ALONE], ids=["both", "image alone"])
def test_embeddings_from_known_features_are_those_from_pixels_and_tokens(
    make_options: MakeOptions, frozen: tuple[str, ...]
) -> None:
    options = make_options(*frozen)
    split, encoder = split_and_encoder(options)
    plan = encoding_plan(options, "float32", ALONE.device)
    known = with_known_features(split, encoder, Path("features"), plan, ALONE, "")
    direct = encode_items(encoder, split.items, plan, ALONE, "")
    # Pixels cannot be read any more, so the features are what was used.
    closed = replace(known.items, images=replace(known.items.images, path=Path("nowhere")))
    cached = encode_items(encoder, closed, plan, ALONE, "")
    assert direct is not None
    assert cached is not None
    torch.testing.assert_close(cached.packed, direct.packed, atol=1e-6, rtol=1e-5)
    assert known.items.known is not None
    assert (known.items.known.text is None) == (frozen == IMAGE_ALONE)


def test_without_a_frozen_encoder_nothing_is_computed(make_options: MakeOptions) -> None:
    options = make_options("model.image_encoder.freeze=1")
    split, encoder = split_and_encoder(options)
    plan = encoding_plan(options, "float32", ALONE.device)
    assert with_known_features(split, encoder, Path("features"), plan, ALONE, "") is split
    assert not Path("features").exists()


@pytest.mark.parametrize("frozen", [ALL, IMAGE_ALONE], ids=["both", "image alone"])
def test_a_run_that_keeps_features_learns_what_one_that_does_not_learns(
    make_options: MakeOptions, frozen: tuple[str, ...]
) -> None:
    run_training(make_options("name=plain", *frozen), "", ALONE)
    run_training(make_options("name=kept", *frozen, "train.frozen_features=features"), "", ALONE)
    plain, kept = final_tensors("plain"), final_tensors("kept")
    assert plain.keys() == kept.keys()
    for name, tensor in plain.items():
        torch.testing.assert_close(kept[name], tensor, atol=1e-5, rtol=1e-3, msg=name)
    assert not torch.equal(kept["match.projection.weight"], torch.zeros_like(kept["match.projection.weight"]))


@pytest.mark.usefixtures("killed_after")
@pytest.mark.parametrize(
    "freeze",
    [("model.image_encoder.freeze=1", "model.text_encoder.freeze=1"), ALL, LATE_FUSION],
    ids=["some", "all", "late fusion"],
)
def test_a_killed_run_with_frozen_parts_goes_on_to_the_same_bits(
    make_options: MakeOptions, freeze: tuple[str, ...]
) -> None:
    overrides = (*freeze, "train.frozen_features=features")
    with pytest.raises(Exception, match=r"^$"):
        run_training(make_options("name=killed", *overrides), "", ALONE)
    run_training(make_options("name=killed", *overrides), "", ALONE)
    run_training(make_options("name=whole", *overrides), "", ALONE)
    killed, whole = final_tensors("killed"), final_tensors("whole")
    assert killed.keys() == whole.keys()
    assert all(torch.equal(killed[name], whole[name]) for name in killed)
    assert without_speed(lines("killed")) == without_speed(lines("whole"))
    moments = [name for name in whole if name.startswith("optimizer.exp_avg.")]
    assert moments
    assert not any("layers.0" in name or "layer.0" in name for name in moments)
    assert run_folder("whole").result.exists()


def stored() -> list[str]:
    return sorted(file.name.split("_")[0] for file in Path("features").glob("*.safetensors"))


@pytest.mark.parametrize("reason", ["stop", "fault"])
def test_what_was_computed_before_a_stop_or_a_fault_is_kept(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    options = make_options(*ALL, "evaluate.batch_size=2")
    split, encoder = split_and_encoder(options)
    plan = encoding_plan(options, "float32", ALONE.device)
    stop = StopRequest()
    encode = known_features._encoded
    num_batches = 0

    def interrupted(*arguments: object) -> torch.Tensor:
        nonlocal num_batches
        num_batches += 1
        stop.made = reason == "stop" and num_batches == 10
        if reason == "fault" and num_batches == 10:
            raise OSError
        return encode(*arguments)  # type: ignore[arg-type]

    def counted(folder: str, stop: StopRequest) -> int:
        nonlocal num_batches
        num_batches = 0
        with_known_features(split, encoder, Path(folder), plan, ALONE, "", stop)
        return num_batches

    monkeypatch.setattr(known_features, "_encoded", interrupted)
    with pytest.raises((StoppedError, OSError)):
        counted("features", stop)
    reason = "none any more"
    # Rounds have four batches; the third was not finished.
    assert counted("features", StopRequest()) == counted("whole", StopRequest()) - 8


def test_features_are_computed_once_for_all_runs(make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    options = make_options(*ALL)
    split, encoder = split_and_encoder(options)
    plan = encoding_plan(options, "float32", ALONE.device)
    first = with_known_features(split, encoder, Path("features"), plan, ALONE, "")
    assert stored() == ["image", "text"]
    monkeypatch.setattr("engine.known_features._encoded", lambda *_: pytest.fail("computed again"))
    second = with_known_features(split, encoder, Path("features"), plan, ALONE, "")
    assert first.items.known is not None
    assert second.items.known is not None
    assert torch.equal(first.items.known.text, second.items.known.text)  # type: ignore[arg-type]
    assert torch.equal(first.items.known.image, second.items.known.image)  # type: ignore[arg-type]


def test_items_that_read_alike_have_the_same_features_in_the_run_that_computes_them(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = make_options(*ALL)
    split, encoder = split_and_encoder(options)
    plan = encoding_plan(options, "float32", ALONE.device)
    unlike = [bytes([row] * 16) for row in range(len(split.catalog))]
    monkeypatch.setattr("engine.known_features.text_keys", lambda _: [unlike[0], unlike[0], *unlike[2:]])
    # Stands for an encoder whose rounding depends on what else is in the batch.
    monkeypatch.setattr(
        "engine.known_features._encoded", lambda encoder, batch, *_: torch.rand(len(batch.item), encoder.width)
    )
    computed, found = (with_known_features(split, encoder, Path("features"), plan, ALONE, "") for _ in range(2))
    assert computed.items.known is not None
    assert found.items.known is not None
    assert computed.items.known.text is not None
    assert computed.items.known.text[0].equal(computed.items.known.text[1])
    assert computed.items.known.text.equal(found.items.known.text)  # type: ignore[arg-type]


def _known_to_the_last_process_alone(options: ExperimentOptions, processes: Processes, folder: Path) -> None:
    """Stands for another run that adds its features after the first process has looked and before the last has."""
    split, encoder = split_and_encoder(options)
    plan = encoding_plan(options, "float32", processes.device)
    own = folder / ("empty" if processes.is_first else "filled")
    known = with_known_features(split, encoder, own, plan, processes, "").items.known
    assert known is not None
    torch.save({"text": known.text, "image": known.image}, folder / f"result{processes.rank}.pt")


def test_no_features_are_missing_where_another_run_adds_some_while_processes_look(
    make_options: MakeOptions, tmp_path: Path
) -> None:
    options = make_options(*ALL, "data.workers=0", "evaluate.batch_size=2")
    split, encoder = split_and_encoder(options)
    plan = encoding_plan(options, "float32", ALONE.device)
    alone = with_known_features(split, encoder, tmp_path / "filled", plan, ALONE, "").items.known
    assert alone is not None
    for result in run_processes(2, partial(_known_to_the_last_process_alone, options), tmp_path):
        torch.testing.assert_close(result["text"], alone.text, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(result["image"], alone.image, atol=1e-6, rtol=1e-5)


def test_other_weights_have_features_of_their_own(make_options: MakeOptions) -> None:
    options = make_options(*ALL)
    split, encoder = split_and_encoder(options)
    plan = encoding_plan(options, "float32", ALONE.device)
    with_known_features(split, encoder, Path("features"), plan, ALONE, "")
    with torch.no_grad():
        next(iter(encoder.match.image_encoder.parameters())).add_(0.1)  # type: ignore[union-attr]
    with_known_features(split, encoder, Path("features"), plan, ALONE, "")
    assert stored() == ["image", "image", "text"]


def test_blank_images_are_reported_and_not_kept(make_options: MakeOptions, tiny_dataset: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(tiny_dataset / "images", images)
    broken = next(iter(sorted(images.glob("val1.*"))))
    broken.write_bytes(b"no picture")
    options = make_options(*IMAGE_ALONE, f"data.val.images={images}", "data.image.on_bad_image=blank")
    split, encoder = split_and_encoder(options)
    plan = encoding_plan(options, "float32", ALONE.device)
    for _ in range(2):
        known = with_known_features(split, encoder, Path("features"), plan, ALONE, "").items
        assert known.batch(range(len(split.catalog))).blank_image.sum() == 1


KEYS: list[bytes | None] = [b"a" * 16, None, b"b" * 16]
FEATURES = torch.arange(6.0).view(3, 2)


def test_what_was_added_is_found_and_nothing_else(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "folder" / "text.safetensors", 2)
    assert not store.find(KEYS)[1].any()
    store.add(KEYS, FEATURES)
    store.add([b"a" * 16, b"c" * 16], FEATURES[1:] + 10)
    features, is_there = store.find([b"c" * 16, None, b"a" * 16, b"x" * 16])
    assert is_there.tolist() == [True, False, True, False]
    assert features[[0, 2]].tolist() == [[14.0, 15.0], [0.0, 1.0]]


def _add_one_by_one(rank: int, file: Path) -> None:
    for number in range(20):
        FeatureStore(file, 2).add([bytes([rank, number] * 8)], torch.tensor([[rank, number]]).float())


def test_runs_that_add_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    file = tmp_path / "text.safetensors"
    multiprocessing.start_processes(_add_one_by_one, (file,), 2, start_method="fork")
    wanted = torch.cartesian_prod(torch.arange(2), torch.arange(20))
    features, is_there = FeatureStore(file, 2).find([bytes(row * 8) for row in wanted.tolist()])
    assert is_there.all()
    assert features.equal(wanted.float())


def test_nothing_to_add_leaves_the_folder_alone(tmp_path: Path) -> None:
    FeatureStore(tmp_path / "folder" / "text.safetensors", 2).add([None, None], FEATURES[:2])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [2, 3])
def test_a_file_of_other_things_is_refused(tmp_path: Path, width: int) -> None:
    file = tmp_path / "text.safetensors"
    FeatureStore(file, 2).add(KEYS, FEATURES)
    if width == 2:
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"text\.safetensors"):
        FeatureStore(file, width).find(KEYS)


def store_of(encoder: Encoder, reading: str = "a") -> Path:
    return feature_store(Path("folder"), "text", encoder, reading).file


def text_encoder(seed: int = 0, fields: Mapping[str, Any] | None = None, **changes: object) -> Encoder:
    torch.manual_seed(seed)
    architecture = {**TEXT_ENCODER["architecture"], **(fields or {})}
    return TransformersTextEncoderOptions.model_validate(
        {**TEXT_ENCODER, "architecture": architecture, **changes}
    ).build()


def image_encoder(arguments: Mapping[str, Any] | None = None, **changes: object) -> Encoder:
    torch.manual_seed(0)
    tree = {**IMAGE_ENCODER, "arguments": {**IMAGE_ENCODER["arguments"], **(arguments or {})}, **changes}
    return TimmImageEncoderOptions.model_validate(tree).build(ImageOptions())


def test_the_file_tells_encoders_poolings_and_circumstances_apart() -> None:
    assert store_of(text_encoder()) == store_of(text_encoder())
    others = {
        store_of(text_encoder()),
        store_of(text_encoder(pooling="words")),
        store_of(text_encoder(seed=1)),
        store_of(text_encoder(), "b"),
    }
    assert len(others) == 4


def test_the_file_tells_architectures_of_equal_weights_apart() -> None:
    heads = {store_of(text_encoder(fields={"num_attention_heads": number})) for number in (2, 4)}
    assert len(heads) == 2
    assert store_of(image_encoder()) == store_of(image_encoder())
    others = {
        store_of(image_encoder()),
        store_of(image_encoder({"global_pool": "max"})),
        store_of(image_encoder(channels_last=True)),
    }
    assert len(others) == 3


def test_an_encoder_whose_weights_were_put_in_later_has_the_same_file(tmp_path: Path) -> None:
    text_encoder().backbone.save_pretrained(tmp_path)  # type: ignore[operator]
    loaded = text_encoder(architecture=str(tmp_path), weights="pretrained")
    later = text_encoder(seed=1, architecture=str(tmp_path))
    later.load_state_dict(loaded.state_dict())
    assert store_of(later) == store_of(loaded)
