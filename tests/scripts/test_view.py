import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from scripts import view
from tests.command_line import Ended, run_command
from tests.command_server import start
from tests.trained_run import Trained

ROOT = Path(__file__).parents[2]


@pytest.fixture
def experiments(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the runs, whose parent is the current folder."""
    run = trained()
    monkeypatch.chdir(run.parents[1])
    return run.parent


def test_report_writes_the_page_of_a_run_that_is_named(experiments: Path, tmp_path: Path) -> None:
    ended = run_command("view", "report", "tiny", "--gallery", 3, "--out", tmp_path / "page.html")
    assert ended.stdout.startswith(f"report: {tmp_path / 'page.html'} (0.")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") >= 6
    assert "tiny on val: report" in page


def test_plot_writes_the_histogram_as_png_and_svg(experiments: Path, tmp_path: Path) -> None:
    out = tmp_path / "figure/scores.png"
    ended = run_command("view", "plot", experiments / "tiny", "--split", "test", "--out", out)
    assert ended == (0, f"scores: {out} and {out.with_suffix('.svg')}\n", ended.stderr)
    with Image.open(out) as picture:
        assert picture.width > 1000
    assert out.with_suffix(".svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    "arguments", [("report", "no_such_run"), ("plot", "no_such_run"), ("report", "tiny", "--split", "none")]
)
def test_what_there_is_not_ends_with_status_2(experiments: Path, arguments: tuple[str, ...]) -> None:
    ended = run_command("view", *arguments)
    assert ended.status == 2
    assert arguments[-1] in ended.stderr


@pytest.mark.parametrize("overrides", [(), ("model.image_encoder=null",)])
def test_explain_prints_a_table_and_writes_a_picture(
    trained: Trained, tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    out = tmp_path / "new/pair.png"
    run = trained(*overrides)
    ended = run_command("view", "explain", run, "val-0", "val-1", "--out", out, "--rows", 3, "--grid", 2)
    lines = ended.stdout.splitlines()
    assert " margin " in lines[0]
    assert [line.split()[0] for line in lines[4:7]] == ["1", "2", "3"]
    assert lines[-1] == f"picture: {out}"
    with Image.open(out) as picture:
        assert picture.format == "PNG"
        assert picture.width > 900


def test_explain_ends_with_status_2_on_an_unknown_item(trained: Trained) -> None:
    ended = run_command("view", "explain", trained(), "val-0", "nobody")
    assert ended.status == 2
    assert "no item has the id 'nobody'" in ended.stderr


def serve(*arguments: object) -> Ended:
    return run_command("view", "serve", *arguments)


def test_a_missing_library_ends_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "LIBRARIES", ("starlette", "no_such_library"))
    ended = serve("run")
    assert ended.status == 2
    assert f"needs no_such_library; run `{sys.executable} -m pip install -r requirements-serve.txt`" in ended.stderr


def test_a_taken_port_ends_with_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = serve("run", "--port", taken.getsockname()[1])
    assert ended.status == 2
    assert "cannot listen on 127.0.0.1" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--port", "70000"), "less than or equal to 65535"),
        (("--host", "no such host"), "cannot listen on no such host"),
    ],
)
def test_an_address_that_there_is_not_ends_with_status_2(arguments: tuple[str, str], expected: str) -> None:
    ended = serve("run", *arguments)
    assert ended.status == 2
    assert expected in ended.stderr


def test_only_other_addresses_than_loopback_are_warned_of(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.views.serving.listen.serve", lambda app, bound: None)
    assert "warning: --host" not in serve(trained(), "--port", 0).stderr
    ended = serve(trained(), "--port", 0, "--host", "0.0.0.0")
    assert ended.status == 0
    assert "warning: --host 0.0.0.0" in ended.stderr


def test_too_fine_a_grid_is_refused_before_the_page_is_served(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.views.serving.listen.serve", lambda app, bound: None)
    ended = serve(trained(), "--port", 0, "--grid", 21)
    assert ended.status == 2
    assert "a grid of 21 x 21 is too fine" in ended.stderr


def test_serve_serves_until_it_is_interrupted(trained: Trained) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(["-m", "scripts", "view", "serve", trained(), "--port", port])
    address = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + 60
    while address not in process.stdout:
        assert process.poll() is None, process.stderr
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with urllib.request.urlopen(address) as answer:
        assert b"Try a pair" in answer.read()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert process.stderr == ""
