import json
import shutil
from pathlib import Path

import pytest

from engine.checksums import write_checksums
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import checkpoint_of
from engine.verifier import Verifier
from options.errors import UserError
from options.read import read_options
from tests.published_network import NETWORK, published_options
from tests.trained_run import Trained
from tools.exchange.published_checkpoint import import_published


def test_a_run_stands_for_its_best_checkpoint_with_its_options_and_calibrated_rule(trained: Trained) -> None:
    found = Verifier.load(trained())
    assert found.checkpoint == checkpoint_of(trained())
    assert found.options == read_options(ExperimentOptions, trained() / "options.yml")
    assert found.checkpoint.name.endswith(f"{found.step:08}")


def test_given_options_take_the_place_of_its_own(trained: Trained) -> None:
    own = Verifier.load(trained())
    given = own.options.model_copy(update={"name": "given"})
    found = Verifier.load(trained(), given)
    assert (found.options.name, found.checkpoint, found.rule) == ("given", own.checkpoint, own.rule)


@pytest.mark.parametrize("form", ["published", "imported", "weights"])
def test_a_checkpoint_without_options_has_those_and_the_rule_that_are_given(form: str, tmp_path: Path) -> None:
    path = NETWORK
    if form != "published":
        path = tmp_path / "imported"
        import_published(NETWORK, path, "timm")
    if form == "weights":
        path = Path(shutil.copy(path / "item_encoder.safetensors", tmp_path / "weights.safetensors"))
    with pytest.raises(UserError, match=r"keeps no options of its own; give the model's with --options OPTION_FILE"):
        Verifier.load(path)
    options = published_options(tmp_path / "published.yml", "timm", "predict.threshold=1.65")
    found = Verifier.load(path, options)
    assert (found.checkpoint, found.options, found.step, found.rule.threshold) == (path, options, None, 1.65)


def test_what_is_no_checkpoint_is_refused_with_options_too(tmp_path: Path) -> None:
    options = published_options(tmp_path / "published.yml", "timm")
    for given in (None, options):
        with pytest.raises(UserError, match="is no checkpoint and no folder of a run"):
            Verifier.load(tmp_path / "nowhere", given)


@pytest.mark.parametrize(("key", "value"), [("model", {}), ("seed", "0"), ("seed", 1e400), ("strange", 1)])
def test_options_that_a_checkpoint_cannot_have_are_named(
    trained: Trained, tmp_path: Path, key: str, value: object
) -> None:
    copied = tmp_path / "step_00000003"
    copied.mkdir()
    record = json.loads((checkpoint_of(trained()) / "state.json").read_text())
    record["step"] = 3
    record["run"]["options"][key] = value
    (copied / "state.json").write_text(json.dumps(record))
    write_checksums(copied)
    with pytest.raises(UserError, match=rf"state\.json: run\.options are none of this version: {key}"):
        Verifier.load(copied)
