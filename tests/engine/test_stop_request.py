import os
import signal
import time
from collections.abc import Iterator

import pytest

from engine.launch import SIGNALS
from engine.stop_request import StopRequest, stop_on_signals
from tests.command_server import ENVIRONMENT, start


@pytest.fixture(autouse=True)
def nothing_is_ignored() -> Iterator[None]:
    """Begin as a command in a terminal; the tests themselves may run in the background, where Ctrl-C is ignored."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_a_request_and_handlers_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signals() as request:
        assert not request.agreed()
        os.kill(os.getpid(), number)
        assert request.made
        assert request.agreed()
        assert request.granted
    assert signal.getsignal(number) == before


def test_what_is_ignored_stays_ignored_as_nohup_wants_it() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as request:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not request.made
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nobody_is_asked_without_a_signal() -> None:
    assert not StopRequest().agreed()


WAIT = """
import hashlib, sys, time
from engine import stop_request
stop_request.PATIENCE_SECONDS = 1.0
with stop_request.stop_on_signals() as request:
    print("ready", flush=True)
    if sys.argv[1] == "in a library":
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # for minutes no Python code runs, handlers neither
    while True:
        time.sleep(0.01)
        if sys.argv[1] == "agrees" and request.made:
            request.agreed()
            time.sleep(2.0)
            sys.exit(7)
"""


def ended(how: str, *signals: signal.Signals, by_torchrun: bool = False) -> tuple[int, str, float]:
    """Start a process that waits, send it signals 0.2 s apart; return how it ended, what it said and after how long."""
    environment = {**os.environ, **ENVIRONMENT}
    environment.pop("TORCHELASTIC_RUN_ID", None)
    if by_torchrun:
        environment["TORCHELASTIC_RUN_ID"] = "none"
    process = start(["-c", WAIT, how], env=environment)
    while process.stdout != "ready\n":
        assert process.poll() is None, process.stderr
        time.sleep(0.005)
    started = time.monotonic()
    for number in signals:
        process.send_signal(number)
        time.sleep(0.2)
    _, said = process.communicate(timeout=30)
    return process.wait(), said, time.monotonic() - started


def test_a_second_signal_ends_a_process_at_once() -> None:
    status, said, seconds = ended("never agrees", signal.SIGINT, signal.SIGTERM)
    assert status == -signal.SIGTERM
    assert said == "\nstopping; once more to stop at once\n"
    assert seconds < 1


def test_under_torchrun_a_second_signal_may_be_the_first_once_more() -> None:
    assert ended("agrees", signal.SIGTERM, signal.SIGTERM, by_torchrun=True)[0] == 7


@pytest.mark.parametrize("how", ["never agrees", "in a library"])
def test_under_torchrun_a_process_whose_fellows_do_not_agree_ends_all_the_same(how: str) -> None:
    status, _, seconds = ended(how, signal.SIGTERM, by_torchrun=True)
    assert status == 128 + signal.SIGTERM
    assert 1 <= seconds < 5
