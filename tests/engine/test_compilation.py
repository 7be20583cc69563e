from pathlib import Path

import pytest
from torch._inductor import config

from engine.compilation import compile_encoders
from engine.distributed import Processes
from engine.run_folder import run_folder
from engine.trainer import run_training
from models.encoder import Encoder
from tests.engine.conftest import MakeOptions, fresh_state
from tests.engine.processes import in_processes

# In processes of their own, since what torch starts in order to compile keeps a process from forking others that train.


@pytest.fixture
def without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.cpp, "cxx", (None, "no-such-compiler"))


def test_every_encoder_is_compiled_for_shapes_that_vary(
    make_options: MakeOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled: list[tuple[Encoder, object]] = []
    monkeypatch.setattr(Encoder, "compile", lambda encoder, dynamic: compiled.append((encoder, dynamic)))

    def compile_all(processes: Processes, folder: Path) -> None:
        encoder = fresh_state(make_options()).model.item_encoder
        assert compile_encoders(encoder, processes.device) is None
        assert compiled == [(each, True) for each in encoder.encoders()]
        assert len(compiled) == 4

    in_processes(1, compile_all, tmp_path)


@pytest.mark.usefixtures("without_a_compiler")
def test_without_a_compiler_training_goes_on_with_one_line_about_it(make_options: MakeOptions, tmp_path: Path) -> None:
    def train(processes: Processes, folder: Path) -> None:
        options = make_options("train.compile=true", "train.steps=2", "log.tensorboard=false")
        result = run_training(options, "", processes)
        assert result.step == 2

    in_processes(1, train, tmp_path)
    log = Path(run_folder("tiny").log).read_text()
    assert log.count("train.compile: nothing is compiled, since torch.compile finds no compiler that works") == 1
