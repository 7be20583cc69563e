import errno
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from engine import checkpoint as checkpoints
from engine import disk
from engine.checkpoint import best_checkpoint, load_item_encoder, load_train_state, read_state, save_checkpoint
from engine.checkpoint_folder import find_resumption, latest_checkpoint
from engine.checksums import write_checksums
from engine.distributed import Processes
from engine.evaluator import Evaluation
from engine.training import TrainState
from options.errors import UserError
from tests.engine.conftest import ALONE, SOME_RUN, KilledError, MakeOptions, fresh_state, save, take_steps, train_batch

FIGURES = Evaluation(
    f1=0.5, precision=0.4, recall=0.6, accuracy=0.7, threshold=0.0, num_pairs=60, num_positives=20,
    best_possible_f1=0.1 + 0.2, best_possible_precision=0.3, best_possible_recall=1 / 3, best_possible_threshold=-1e-17,
)  # fmt: skip


@pytest.fixture
def state(make_options: MakeOptions) -> TrainState:
    """After two steps of float16 training, with a learned number in the loss."""
    cosine = ("model.threshold_branch=false", "model.head={name: cosine}", "loss={name: fixed_threshold}")
    options = make_options("train.precision=float16", *cosine)
    state = fresh_state(options)
    take_steps(state, train_batch(options, 0, 1, 30, 31), 2)
    state.evaluation, state.best_f1 = FIGURES, FIGURES.best_possible_f1
    return state


def another(make_options: MakeOptions, *overrides: str) -> TrainState:
    cosine = ("model.threshold_branch=false", "model.head={name: cosine}", "loss={name: fixed_threshold}")
    return fresh_state(make_options("train.precision=float16", *cosine, *overrides), seed=1)


def everything(state: TrainState) -> dict[str, torch.Tensor]:
    """All tensors of a state: weights, the loss's own, the optimizer's by number, and what is no tensor elsewhere."""
    tensors = dict(state.model.state_dict())
    for number, slot in state.optimizer.state_dict()["state"].items():
        tensors.update({f"{number}.{key}": tensor for key, tensor in slot.items()})
    return {**tensors, "loss_sum": state.loss_sum}


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def steps(folder: Path) -> list[int]:
    return [int(path.name.removeprefix("step_")) for path in sorted(folder.iterdir())]


def save_steps(folder: Path, state: TrainState, last: int, keep: int, best: tuple[int, ...] = ()) -> None:
    for step in range(1, last + 1):
        state.step = step
        save(folder, state, keep, is_best=step in best)


def test_a_loaded_state_equals_the_saved_one_to_the_last_bit_and_trains_on_as_it(
    make_options: MakeOptions, state: TrainState, tmp_path: Path
) -> None:
    save(tmp_path / "c", state, keep=1, is_best=True)
    loaded = another(make_options)
    assert not torch.equal(loaded.model.state_dict()["loss.threshold"], state.model.state_dict()["loss.threshold"])
    load_train_state(tmp_path / "c/step_00000002", loaded, ALONE)
    batch = train_batch(make_options(), 2, 3, 32, 33)
    for _ in range(2):
        first, second = everything(state), everything(loaded)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)
        assert loaded.scaler.state_dict() == state.scaler.state_dict()
        assert (loaded.step, loaded.best_f1, loaded.evaluation) == (state.step, state.best_f1, state.evaluation)
        take_steps(state, batch)
        take_steps(loaded, batch)


def test_a_run_may_go_on_in_float16_though_it_began_in_float32(make_options: MakeOptions, tmp_path: Path) -> None:
    state = fresh_state(make_options())
    take_steps(state, train_batch(make_options(), 0, 1))
    save(tmp_path / "c", state, keep=1, is_best=False)
    half = fresh_state(make_options("train.precision=float16"))
    load_train_state(tmp_path / "c/step_00000001", half, ALONE)
    assert half.scaler.get_scale() == fresh_state(make_options("train.precision=float16")).scaler.get_scale()
    back = fresh_state(make_options())
    save(tmp_path / "half", half, keep=1, is_best=False)
    load_train_state(tmp_path / "half/step_00000001", back, ALONE)
    assert back.step == 1


@pytest.mark.parametrize(
    ("keep", "best", "kept"),
    [
        (1, (), [5]),
        (2, (), [4, 5]),
        (9, (), [1, 2, 3, 4, 5]),
        (2, (1,), [1, 4, 5]),
        (2, (1, 2), [2, 4, 5]),
        (1, (5,), [5]),
    ],
)
def test_the_latest_and_the_best_are_kept(
    state: TrainState, tmp_path: Path, keep: int, best: tuple[int, ...], kept: list[int]
) -> None:
    save_steps(tmp_path / "c", state, 5, keep, best)
    assert steps(tmp_path / "c") == kept
    assert latest_checkpoint(tmp_path / "c") == tmp_path / "c/step_00000005"
    expected = tmp_path / f"c/step_{best[-1]:08d}" if best else None
    assert best_checkpoint(tmp_path / "c") == expected


def test_a_copy_under_the_name_of_a_later_step_is_not_the_best_and_not_overwritten(
    state: TrainState, tmp_path: Path
) -> None:
    folder = tmp_path / "c"
    save_steps(folder, state, 2, keep=1, best=(1,))
    copied = shutil.copytree(folder / "step_00000001", folder / "step_00000003")
    assert best_checkpoint(folder) == folder / "step_00000001"
    with pytest.raises(UserError, match=r"step_00000003/state\.json: is of step 1 and not of that in its folder"):
        read_state(copied)
    before = files(copied)
    state.step = 3
    with pytest.raises(UserError, match="step_00000003: cannot be written"):
        save(folder, state, keep=1)
    assert files(copied) == before
    state.step = 4
    save(folder, state, keep=1)
    assert steps(folder) == [1, 3, 4]
    assert files(copied) == before


def test_a_folder_without_checkpoints_has_none(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        assert latest_checkpoint(folder) is None
        assert best_checkpoint(folder) is None


def interrupt_at(call: int, patch: pytest.MonkeyPatch) -> None:
    """End the process at the call of this number to anything in saving that touches the disk."""
    numbers = itertools.count(1)

    def counted(whole: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*arguments: object, **named: object) -> object:
            if next(numbers) == call:
                raise KilledError
            return whole(*arguments, **named)

        return wrapper

    for owner, name in (
        (checkpoints, "save_file"),
        (checkpoints, "write_json"),
        (checkpoints, "write_checksums"),
        (disk, "_sync"),
        (shutil, "rmtree"),
        (Path, "rename"),
        (Path, "mkdir"),
    ):
        patch.setattr(owner, name, counted(getattr(owner, name)))


def killed_while_saving(folder: Path, state: TrainState, call: int) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(call, patch)
        try:
            save(folder, state, keep=1, is_best=True)
        except KilledError:
            return True
    return False


def test_a_save_killed_at_any_moment_leaves_a_whole_state_and_the_next_save_cleans_up(
    make_options: MakeOptions, state: TrainState, tmp_path: Path
) -> None:
    loaded = another(make_options)
    found = []
    for call in itertools.count(1):
        folder = tmp_path / f"killed{call}"
        state.best_step = None
        save_steps(folder, state, 2, keep=2, best=(1,))
        before = files(folder)
        state.step = 3
        was_killed = killed_while_saving(folder, state, call)
        latest, warnings = find_resumption(folder)
        best = best_checkpoint(folder)
        assert warnings == ()
        assert latest is not None
        assert best is not None
        found.append((latest.name, best.name))
        assert all(content == before.get(name, content) for name, content in files(folder).items())
        load_train_state(latest, loaded, ALONE)
        assert latest.name == f"step_{loaded.step:08d}"
        state.step, state.best_step = 4, loaded.best_step
        save(folder, state, keep=1, is_best=False)
        assert steps(folder) == sorted({int(best.name[-1]), 4})
        if not was_killed:
            break
    assert len(found) > 8
    assert set(found) == {("step_00000002", "step_00000001"), ("step_00000003", "step_00000003")}


def test_a_step_saved_again_is_there_in_one_form_or_the_other_whenever_that_is_killed(
    state: TrainState, tmp_path: Path
) -> None:
    found = []
    for call in itertools.count(1):
        folder = tmp_path / f"killed{call}"
        state.best_step, state.evaluation_due = None, True
        save(folder, state, keep=1)
        state.evaluation_due = False
        was_killed = killed_while_saving(folder, state, call)
        checkpoint, warnings = find_resumption(folder)
        assert checkpoint == folder / "step_00000002"
        assert warnings == ()
        found.append(read_state(checkpoint).evaluation_due)
        if not was_killed:
            break
    assert set(found) == {True, False}


def test_saving_a_step_again_replaces_it(state: TrainState, tmp_path: Path) -> None:
    for best in (False, True):
        save(tmp_path / "c", state, keep=3, is_best=best)
    assert steps(tmp_path / "c") == [2]
    assert read_state(tmp_path / "c/step_00000002").best_step == 2


@pytest.fixture
def saved(state: TrainState, tmp_path: Path) -> Path:
    save(tmp_path / "c", state, keep=3, is_best=True)
    return tmp_path / "c/step_00000002"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "damaged or no checkpoint"),
        ('{"format": 1,', "damaged or no checkpoint"),
        ("[1, 2]", "damaged or no checkpoint"),
        ('{"format": 1}', r"damaged or no checkpoint: step Field required"),
    ],
)
def test_a_damaged_or_foreign_state_is_said_to_be_so(saved: Path, text: str, message: str) -> None:
    (saved / "state.json").write_text(text)
    with pytest.raises(UserError, match=r"state\.json: is damaged or cut off: its checksum is not that of"):
        read_state(saved)
    write_checksums(saved)
    with pytest.raises(UserError, match=rf"state\.json: {message}"):
        read_state(saved)


def test_a_state_that_is_no_text_or_of_another_format_is_refused(saved: Path) -> None:
    record = json.loads((saved / "state.json").read_text())
    (saved / "state.json").write_text(json.dumps({**record, "format": 2}))
    write_checksums(saved)
    with pytest.raises(UserError, match=r"format 2 is not 3, .* its weights alone: .*/item_encoder\.safetensors as"):
        read_state(saved)
    (saved / "state.json").write_bytes(b"\xff\xfe")
    write_checksums(saved)
    with pytest.raises(UserError, match=r"state\.json: damaged"):
        read_state(saved)


def test_figures_of_an_earlier_version_are_read_by_their_former_names(saved: Path) -> None:
    text = (saved / "state.json").read_text()
    assert "best_possible_f1" in text
    (saved / "state.json").write_text(text.replace("best_possible_", "calibrated_"))
    write_checksums(saved)
    assert read_state(saved).evaluation == FIGURES


def test_what_a_state_says_is_read_as_it_was_written(saved: Path, state: TrainState) -> None:
    record = read_state(saved)
    assert record.evaluation == FIGURES
    assert record.loss_sums == (state.loss_sum.item(),)
    assert dict(record.scaler) == state.scaler.state_dict()
    assert (record.step, record.best_step, record.best_f1) == (2, 2, FIGURES.best_possible_f1)
    assert record.run == SOME_RUN


@pytest.mark.parametrize(("count", "sums"), [(1, [2.0]), (2, [2.0, 2.0]), (3, [0.5, 1.5, 4.0])])
def test_each_process_goes_on_with_its_own_losses_and_another_number_of_them_with_the_mean(
    make_options: MakeOptions, state: TrainState, tmp_path: Path, count: int, sums: list[float]
) -> None:
    checkpoint = save_checkpoint(tmp_path / "c", state, [0.5, 1.5, 4.0], SOME_RUN, 1)
    found = []
    for rank in range(count):
        loaded = another(make_options)
        load_train_state(checkpoint, loaded, Processes(rank, count, torch.device("cpu")))
        found.append(loaded.loss_sum.item())
    assert found == sums


def test_the_files_may_be_read_by_whoever_may_read_new_files(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    mode = (tmp_path / "new").stat().st_mode
    assert {file.stat().st_mode for file in saved.iterdir()} == {mode}


def test_a_save_that_the_disk_refuses_ends_with_the_reason_and_leaves_no_trace(
    state: TrainState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "c", state)
    before = files(tmp_path / "c")
    for error in (OSError(errno.ENOSPC, "No space left on device"), SafetensorError("I/O error: No space left")):

        def refuse(*arguments: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(checkpoints, "save_file", refuse)
        state.step = 3
        with pytest.raises(UserError, match=r"step_00000003: cannot be written: .*No space left.* is whole"):
            save(tmp_path / "c", state)
        assert files(tmp_path / "c") == before


@pytest.mark.parametrize("name", ["state.json", "item_encoder.safetensors", "training.safetensors"])
def test_a_missing_file_is_named(make_options: MakeOptions, saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(UserError, match=rf"{name}: no such checkpoint file"):
        load_train_state(saved, another(make_options), ALONE)


@pytest.mark.parametrize("name", ["item_encoder.safetensors", "training.safetensors"])
def test_a_cut_file_is_named(make_options: MakeOptions, saved: Path, name: str) -> None:
    (saved / name).write_bytes((saved / name).read_bytes()[:-4])
    with pytest.raises(UserError, match=rf"{name}: damaged or no safetensors file"):
        load_train_state(saved, another(make_options), ALONE)


def change(file: Path, drop: str | None = None, **add: torch.Tensor) -> None:
    tensors = load_file(file)
    if drop is not None:
        del tensors[drop]
    save_file({**tensors, **add}, file)


def test_surplus_and_missing_weights_are_named(make_options: MakeOptions, saved: Path) -> None:
    encoder = another(make_options).model.item_encoder
    change(saved / "item_encoder.safetensors", "match.projection.bias", stranger=torch.ones(2))
    with pytest.raises(UserError, match=r"2 tensors differ:\n  missing match\.projection\.bias\n  surplus stranger"):
        load_item_encoder(saved, encoder)


BIAS = "verifier.item_encoder.match.projection.bias"


@pytest.mark.parametrize(
    ("drop", "add", "message"),
    [
        ("loss.threshold", {}, "missing threshold"),
        (None, {"loss.margin": torch.ones(())}, "surplus margin"),
        (None, {"optimizer.exp_avg.stranger": torch.ones(2)}, "optimizer state of stranger"),
        (None, {f"optimizer.exp_avg.{BIAS}": torch.ones(3)}, f"exp_avg.{BIAS} of the optimizer has not the shape"),
        (f"optimizer.exp_avg.{BIAS}", {}, f"the optimizer's state lacks exp_avg.{BIAS}"),
        (None, {"scheduler": torch.ones(1)}, "surplus scheduler"),
    ],
)
def test_surplus_missing_and_misshapen_training_tensors_are_named(
    make_options: MakeOptions, saved: Path, drop: str | None, add: dict[str, torch.Tensor], message: str
) -> None:
    change(saved / "training.safetensors", drop, **add)
    with pytest.raises(UserError, match=message):
        load_train_state(saved, another(make_options), ALONE)
