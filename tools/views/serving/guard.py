"""What stands between the network and the page: whom requests may come from, and how large they may be."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    # With no-referrer browsers would not say where a form comes from.
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


HOST = re.compile(r"(?P<name>[^\s:@/?#\[\]\\]+|\[(?P<inner>[0-9a-f:.]+)\])(:[0-9]{1,5})?")
"""A Host header, in lower case: nothing but a name or address and a port."""


@dataclass(frozen=True, slots=True)
class Guard:
    """An ASGI application before another: refuses foreign hosts and origins, and bodies above `largest_body` bytes.

    A body is counted while it is read. The inner application gets HTTPException 413 once there is too much of it.
    """

    app: ASGIApp
    host_names: Collection[str]
    largest_body: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        guarded = _with_security_headers(send)
        if not is_own_host(headers.get("host", ""), self.host_names):
            refusal = "This host name is not the page's own. Open it by its IP address, or as localhost."
            await PlainTextResponse(refusal, 421)(scope, receive, guarded)
        elif scope["method"] not in ("GET", "HEAD") and not is_same_origin(headers):
            await PlainTextResponse("Forms are taken from this page alone.", 403)(scope, receive, guarded)
        else:
            await self.app(scope, _bounded(receive, headers, self.largest_body), guarded)


def is_own_host(host: str, names: Collection[str]) -> bool:
    """Return whether a Host header is an IP address or one of our names, with or without a port.

    A site that lets its own name point to this machine (DNS rebinding) comes with that name.
    """
    parts = HOST.fullmatch(host.lower())
    if parts is None or parts["name"] in names:
        return parts is not None
    try:
        IPv6Address(parts["inner"]) if parts["inner"] is not None else IPv4Address(parts["name"])
    except ValueError:
        return False
    return True


def is_same_origin(headers: Headers) -> bool:
    """Return whether a request that changes or costs something comes from our own page, or from no browser."""
    origin = headers.get("origin")
    if origin is not None:
        return origin == f"http://{headers.get('host')}"
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _bounded(receive: Receive, headers: Headers, largest: int) -> Receive:
    announced = headers.get("content-length", "")
    num_bytes = int(announced) if announced.isdecimal() and len(announced) < 20 else 0
    num_read = 0

    async def bounded() -> Message:
        nonlocal num_read
        if num_bytes <= largest:
            message = await receive()
            num_read += len(message.get("body", b""))
            if num_read <= largest:
                return message
        raise HTTPException(413, f"More than {largest >> 20} MiB were sent; both pictures together may have that much.")

    return bounded


def _with_security_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(SECURITY_HEADERS)
        await send(message)

    return guarded
