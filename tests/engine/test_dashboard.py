import pytest

from engine.dashboard import check_dashboards, open_dashboards
from engine.options import LogOptions
from engine.run_folder import run_folder
from engine.tensorboard_dashboard import TensorboardDashboard
from options.errors import UserError
from tests.engine.conftest import MakeOptions


def test_a_dashboard_whose_package_is_missing_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.dashboard.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"wandb is not installed; run `.*python.* -m pip install -r requirements-wandb\.txt`"
    ):
        check_dashboards(LogOptions(wandb="project"))
    check_dashboards(LogOptions())


def test_only_the_dashboards_of_the_options_are_opened(make_options: MakeOptions) -> None:
    folder = run_folder("tiny")
    assert open_dashboards(make_options("log.tensorboard=false"), folder, 0) == []
    (board,) = open_dashboards(make_options(), folder, 0)
    assert isinstance(board, TensorboardDashboard)
    board.close(failed=False)
    assert any(folder.tensorboard.iterdir())
