import json
from pathlib import Path

import pytest

from engine.disk import write_json
from engine.run_folder import run_folder
from engine.trainer import run_training
from options.errors import UserError
from tests.engine.conftest import ALONE
from tests.tools.study.ablation.conftest import QUICK
from tools.study.ablation.runs import AblationRun, ablation_runs, is_done


@pytest.mark.usefixtures("tiny_ablations")
def test_every_ablation_has_a_run_of_each_seed_the_reference_first() -> None:
    runs = ablation_runs("study", [0, 7], ["train.steps=3"])
    assert [run.options.name for run in runs] == [
        "study_full-seed0", "study_a_shared-seed0", "study_full-seed7", "study_a_shared-seed7",
    ]  # fmt: skip
    assert [run.options.seed for run in runs] == [0, 0, 7, 7]
    assert {run.options.train.steps for run in runs} == {3}
    assert [run.options.model.share_encoders for run in runs] == [False, True, False, True]


def test_the_reference_of_the_shipped_ablations_is_the_whole_model() -> None:
    assert [run.option_file.stem for run in ablation_runs("ablation", [0], [])][:2] == ["full", "contrastive"]


@pytest.mark.usefixtures("tiny_ablations")
def test_overrides_that_go_with_no_ablation_are_refused() -> None:
    with pytest.raises(UserError, match=r"train\.stepz"):
        ablation_runs("study", [0], ["train.stepz=3"])


@pytest.fixture
def trained(tiny_ablations: Path) -> AblationRun:
    run = ablation_runs("study", [0], QUICK)[0]
    assert not is_done(run)
    run_training(run.options, "", ALONE)
    return run


def test_a_run_is_done_and_its_study_takes_no_other_options(trained: AblationRun) -> None:
    assert is_done(trained)
    assert ablation_runs("study", [0], QUICK)[0] == trained
    for change in ("train.steps=3", "train.clip_norm=0.5"):
        with pytest.raises(UserError, match=r"study_full-seed0/options\.yml: this run was begun with other options"):
            ablation_runs("study", [0], [*QUICK, change])
        assert not is_done(ablation_runs("other", [0], [*QUICK, change])[0])


def test_a_run_that_broke_off_its_last_evaluation_or_record_is_not_done(trained: AblationRun) -> None:
    folder = run_folder(trained.options.name)
    recorded = json.loads(folder.result.read_text())
    write_json(folder.result, {**recorded, "step": 1})
    assert not is_done(trained)
    folder.result.unlink()
    assert not is_done(trained)
    write_json(folder.result, recorded)
    assert is_done(trained)
    file = folder.checkpoints / "step_00000002/state.json"
    whole = file.read_text()
    file.write_text(whole.replace('"evaluation_due": false', '"evaluation_due": true'))
    assert not is_done(trained)
    file.write_text(whole[:40])
    assert not is_done(trained)
