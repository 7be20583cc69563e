"""Listening: the one place that knows the web server."""

import socket
from contextlib import suppress
from ipaddress import ip_address

import uvicorn
from starlette.types import ASGIApp

from options.errors import UserError


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address, port 0 for any free one; raises UserError where it cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(address)
            bound.listen()
        except OSError:
            bound.close()
            raise
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(
            f"cannot listen on {host}, port {port}: {reason}; give others with --host and --port"
        ) from error
    return bound


def address_of(bound: socket.socket) -> str:
    """Return the address to open in a browser."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def serve(app: ASGIApp, bound: socket.socket) -> None:
    """Serve an application until Ctrl-C."""
    server = uvicorn.Server(config(app))
    print(f"open {address_of(bound)} in a browser; Ctrl-C ends it", flush=True)
    with suppress(KeyboardInterrupt):  # which the server raises again once it has ended
        server.run(sockets=[bound])


def config(app: ASGIApp) -> uvicorn.Config:
    """Return the settings of the server: HTTP alone, no headers of proxies believed, no log of each request."""
    return uvicorn.Config(
        app, http="h11", ws="none", lifespan="off", proxy_headers=False, server_header=False, log_level="warning"
    )
