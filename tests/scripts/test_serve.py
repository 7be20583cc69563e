import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from scripts import serve
from tests.trained_run import Trained
from tools.views.serving.listen import bound_socket

ROOT = Path(__file__).parents[2]


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["serve.py", *map(str, arguments)])
    serve.main()


def ending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[object, str]:
    with pytest.raises(SystemExit) as exit_status:
        command(monkeypatch, *arguments)
    return exit_status.value.code, capsys.readouterr().err


def test_a_missing_library_ends_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "LIBRARIES", ("starlette", "no_such_library"))
    status, message = ending(monkeypatch, capsys, "run")
    assert status == 2
    assert f"needs no_such_library; run `{sys.executable} -m pip install -r requirements-serve.txt`" in message


def test_a_taken_port_ends_with_status_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with bound_socket("127.0.0.1", 0) as taken:
        taken.listen()
        status, message = ending(monkeypatch, capsys, "run", "--port", taken.getsockname()[1])
    assert status == 2
    assert "cannot listen on 127.0.0.1" in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(("--port", "70000"), "'70000' is no port"), (("--host", "no such host"), "cannot listen on no such host")],
)
def test_an_address_that_there_is_not_ends_with_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], expected: str
) -> None:
    status, message = ending(monkeypatch, capsys, "run", *arguments)
    assert status == 2
    assert expected in message


def test_only_other_addresses_than_loopback_are_warned_of(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.views.serving.listen.serve", lambda app, bound: None)
    command(monkeypatch, trained(), "--port", 0)
    assert "warning: --host" not in capsys.readouterr().err
    command(monkeypatch, trained(), "--port", 0, "--host", "0.0.0.0")
    assert "warning: --host 0.0.0.0" in capsys.readouterr().err


def test_too_fine_a_grid_is_refused_before_the_page_is_served(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.views.serving.listen.serve", lambda app, bound: None)
    status, message = ending(monkeypatch, capsys, trained(), "--port", 0, "--grid", 21)
    assert status == 2
    assert "a grid of 21 x 21 is too fine" in message


def test_the_command_serves_until_it_is_interrupted(trained: Trained) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [sys.executable, "scripts/serve.py", str(trained()), "--port", str(port)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert f"http://127.0.0.1:{port}/" in process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
            assert b"Try a pair" in answer.read()
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert process.stderr.read() == ""
        assert process.returncode == 0
