import json
import shutil
from pathlib import Path

import pytest

from engine.checksums import check_files
from engine.decision_rule import decision_rule, find_rule
from engine.trainer import run_training
from metrics.category_thresholds import SHRINKAGE
from tests.command_line import run_command
from tests.engine.conftest import ALONE
from tests.tools.study.conftest import QUICK, MakeRun, make_run, tiny_ablations
from tools.study.ablation import AblationRun

__all__ = ["make_run", "tiny_ablations"]


def test_a_calibrated_rule_is_printed_kept_and_applied(make_run: MakeRun) -> None:
    run = make_run()
    checkpoint = run / "checkpoints/step_00000006"
    ended = run_command("study", "calibrate", run, "--criterion", "precision=0.9", "--replicates", 100)
    lines = ended.stdout.splitlines()
    record = find_rule(checkpoint)
    assert record is not None
    assert decision_rule("calibrated", checkpoint) == record.rule
    assert lines[0].startswith("precision=0.9 on 600 validation pairs in ")
    precision = next(line for line in lines if line.startswith("best possible precision")).split()
    figure = record.figures["best_possible_precision"]
    assert precision[3:] == [f"{number:.4f}" for number in (figure.value, figure.low, figure.high)]
    assert lines[-1] == f"kept in {run}/checkpoints/step_00000006.threshold.json"
    check_files(checkpoint)


def test_a_folder_of_the_user_s_own_among_the_checkpoints_stops_no_command(make_run: MakeRun) -> None:
    run = make_run()
    for name in ("step_00009999", "step_00000006_backup", "step_"):
        (run / "checkpoints" / name).mkdir()
    shutil.copytree(run / "checkpoints/step_00000006", run / "checkpoints/step_00001400")
    assert run_command("study", "calibrate", run, "--replicates", 10).status == 0
    assert run_command("study", "compare", run, make_run("other", seed=1), "--replicates", 10).status == 0
    assert (run / "checkpoints/step_00000006.threshold.json").exists()
    ended = run_command("study", "calibrate", run / "checkpoints/step_00001400")
    assert (ended.status, ended.stderr.count("is of step 6 and not of that in its folder's name")) == (2, 1)


@pytest.mark.parametrize("wrong", ["NaN", "true", '"0.1"', "1e999", "9" * 400, "null"])
def test_a_chosen_threshold_that_is_no_number_is_named(make_run: MakeRun, wrong: str) -> None:
    run = make_run()
    assert run_command("study", "calibrate", run, "--replicates", 10).status == 0
    file = run / "checkpoints/step_00000006.threshold.json"
    record = json.loads(file.read_text())
    record["rule"]["threshold"] = "WRONG"
    file.write_text(json.dumps(record).replace('"WRONG"', wrong))
    ended = run_command("study", "compare", run, make_run("other", seed=1), "--replicates", 10)
    assert ended.status == 2
    assert f"{file}: is damaged: rule.threshold Input should be a valid number" in ended.stderr


def test_thresholds_by_category_are_printed(make_run: MakeRun) -> None:
    run = make_run(num_pairs=2000, quality=3.0, offsets=1.0)
    out = run_command("study", "calibrate", run, "--per-category", "--replicates", 20).stdout
    assert "kept thresholds of 4 of 4 categories" in out
    assert "\nkind3  " in out


def test_the_shrinkage_of_the_command_is_that_of_the_metric() -> None:
    assert f"[default: {SHRINKAGE}]" in run_command("study", "calibrate", "--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["calibrate", "run", "--criterion", "f2"],
        ["calibrate", "run", "--per-category", "--criterion", "positives=3"],
        ["calibrate", "run", "--seed", "-1"],
        ["calibrate", "run", "--seed", "2147483648"],
        ["calibrate", "run", "--replicates", "0"],
        ["calibrate", "run", "--shrinkage", "0"],
        ["calibrate", "run", "--shrinkage", "inf"],
        ["compare", "one"],
        ["compare", "one", "other", "--threshold", "0.5"],
        ["cross-validate", "file.yml", "--seeds", "0", "-1"],
        ["cross-validate", "file.yml", "--seeds"],
        ["cross-validate", "file.yml", "--folds", "1"],
        ["ablate", "name=x"],
        ["ablate", "--seeds", "a"],
    ],
)
def test_wrong_arguments_end_with_status_2_and_are_named(arguments: list[str]) -> None:
    ended = run_command("study", *arguments)
    assert ended.status == 2
    assert "Try 'run.sh study" in ended.stderr or arguments[-1] in ended.stderr


def test_option_files_are_needed() -> None:
    ended = run_command("study", "cross-validate", "train.steps=2")
    assert ended.status == 2
    assert "at least one option file" in ended.stderr


def test_two_runs_are_compared_by_what_they_kept(make_run: MakeRun) -> None:
    runs = [make_run("weak", quality=1.0), make_run("strong", quality=4.0, seed=1)]
    out = run_command("study", "compare", *runs, "--replicates", 100, "--threshold", "learned").stdout
    assert [line.split()[0] for line in out.splitlines() if " F1 " in line] == list(map(str, runs))
    assert "not distinguishable" not in next(line for line in out.splitlines() if "strong" in line)


def test_runs_of_several_seeds_are_compared_as_one_system(make_run: MakeRun) -> None:
    runs = [make_run(f"{name}-seed{seed}", quality=quality, seed=seed)
            for name, quality in (("weak", 1.0), ("strong", 4.0)) for seed in (0, 1)]  # fmt: skip
    out = run_command("study", "compare", *runs, "--replicates", 100, "--threshold", "learned").stdout
    of_f1 = [line.split() for line in out.splitlines() if " F1 " in line]
    assert [line[:2] for line in of_f1] == [[str(run).removesuffix("-seed0"), "2"] for run in runs[::2]]
    ended = run_command("study", "compare", *runs[:2])
    assert ended.status == 2
    assert "weak with other seeds, which are one system" in ended.stderr


def test_runs_on_other_pairs_end_with_status_2(make_run: MakeRun) -> None:
    ended = run_command("study", "compare", make_run("a"), make_run("b", num_pairs=500))
    assert ended.status == 2
    assert "was scored on other" in ended.stderr


@pytest.fixture
def trained(tiny_ablations: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that are trained, in this process; the third is stopped at first."""
    names: list[str] = []

    def train(run: AblationRun) -> int:
        names.append(run.options.name)
        if len(names) == 3:
            return 75
        run_training(run.options, "", ALONE)
        return 0

    monkeypatch.setattr("tools.study.ablation.train", train)
    monkeypatch.setattr("scripts.data.demo", lambda out: out.mkdir(parents=True, exist_ok=True))
    return names


def test_a_stopped_study_goes_on_by_the_same_command_and_ends_with_the_table(trained: list[str]) -> None:
    arguments = ["study", "ablate", *QUICK, "--seeds", "0", "1", "--replicates", "50"]
    assert run_command(*arguments).status == 75
    assert Path("datasets/demo").is_dir()
    names = [f"ablation_{name}-seed{seed}" for seed in (0, 1) for name in ("full", "a_shared")]
    assert trained == names[:3]
    ended = run_command(*arguments)
    assert ended.status == 0
    assert trained[3:] == names[2:]
    assert "run 2 of 4, ablation_a_shared-seed0: is done" in ended.stdout
    of_f1 = [line.split() for line in ended.stdout.splitlines() if " F1 " in line]
    assert [line[:2] for line in of_f1] == [[f"experiments/ablation_{name}", "2"] for name in ("full", "a_shared")]
    assert run_command(*arguments).status == 0
    assert len(trained) == 5


@pytest.mark.parametrize("wrong", [["seed=1"], ["train.stepz=2"], ["--study", "a/b"]])
def test_a_wrong_study_ends_with_status_2_before_anything_is_trained(trained: list[str], wrong: list[str]) -> None:
    assert run_command("study", "ablate", *wrong).status == 2
    assert not trained
