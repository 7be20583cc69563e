import asyncio

import pytest
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from tools.views.serving.guard import Guard, is_own_host, is_same_origin

NAMES = {"localhost", "box"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost", "localhost:8000", "LOCALHOST", "[::1]:8000", "192.168.1.7", "box:80"]
)
def test_addresses_and_own_names_are_own_hosts(host: str) -> None:
    assert is_own_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "[::1",
        "box.evil",
        "user@localhost:8000",
        "user:word@127.0.0.1",
        "@box",
        "localhost/x",
        "localhost?x",
        "localhost#x",
        "localhost:x",
        "box:80:80",
        "[box]",
        "[127.0.0.1]",
        "[::1]x",
        "::1",
        "localhost ",
        "localhost\\@evil",
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert not is_own_host(host, NAMES)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": "localhost:1"}, True),
        ({"host": "localhost:1", "origin": "http://localhost:1"}, True),
        ({"host": "localhost:1", "sec-fetch-site": "same-origin"}, True),
        ({"host": "localhost:1", "origin": "http://localhost:2"}, False),
        ({"host": "localhost:1", "origin": "http://evil.example"}, False),
        ({"host": "localhost:1", "origin": "null"}, False),
        ({"host": "localhost:1", "origin": "https://localhost:1"}, False),
        ({"host": "localhost:1", "origin": "chrome-extension://localhost:1"}, False),
        ({"host": "localhost:1", "origin": "//localhost:1"}, False),
        ({"host": "localhost:1", "origin": "http://localhost:1/x"}, False),
        ({"host": "localhost:1", "origin": "http://user@localhost:1"}, False),
        ({"host": "localhost:1", "origin": ""}, False),
        ({"host": "localhost:1", "origin": "http://[::1"}, False),
        ({"host": "localhost:1", "sec-fetch-site": "cross-site"}, False),
    ],
)
def test_posts_come_from_the_page_or_from_no_browser(headers: dict[str, str], expected: bool) -> None:
    assert is_same_origin(Headers(headers)) is expected


def num_read(chunks: list[int], largest: int, **headers: str) -> tuple[int, bool]:
    """Return how many bytes of a body the inner application gets, and whether it is told that there are too many."""
    num_bytes, is_refused = 0, False
    messages = [{"type": "http.request", "body": bytes(size), "more_body": True} for size in chunks]

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal num_bytes, is_refused
        try:
            for _ in chunks:
                num_bytes += len((await receive())["body"])
        except HTTPException as error:
            is_refused = error.status_code == 413

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in {"host": "box", **headers}.items()]
    scope = {"type": "http", "method": "POST", "headers": raw}
    asyncio.run(Guard(application, NAMES, largest)(scope, receive, send))
    return num_bytes, is_refused


def test_a_body_up_to_the_bound_is_passed_on_and_no_more_of_a_larger_one() -> None:
    assert num_read([40, 60], 100) == (100, False)
    assert num_read([40, 60, 1, 1000], 100) == (100, True)
    assert num_read([40], 100, content_length="101") == (0, True)
    assert num_read([40], 100, content_length="100") == (40, False)
