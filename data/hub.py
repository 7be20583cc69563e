"""Whether names of pretrained models can be looked up on the hub."""

import os
import socket
from collections.abc import Iterable
from urllib.parse import ParseResult, urlparse
from urllib.request import getproxies, proxy_bypass

from data.package_files import is_local

TIMEOUT_SECONDS = 5.0
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""What a folder of weights holds, there and in a local one, the preferred one first."""


def go_offline_without_hub(names: Iterable[str]) -> None:
    """Tell the hub's client to stay offline where a name needs the hub and the hub cannot be reached.

    Otherwise the client tries again and again for most of a minute before it gives up. It reads the variable
    when it is imported, so this comes before that. Names of local folders need no hub and cause no connection.
    """
    if "HF_HUB_OFFLINE" in os.environ or all(map(is_local, names)):
        return
    address = _first_hop(urlparse(os.environ.get("HF_ENDPOINT", "https://huggingface.co")))
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        with socket.create_connection((address.hostname or "", port), TIMEOUT_SECONDS):
            pass
    except OSError:
        os.environ["HF_HUB_OFFLINE"] = "1"


def _first_hop(hub: ParseResult) -> ParseResult:
    """Return the proxy on the way to the hub, if one is set (without a scheme, it speaks HTTP), else the hub."""
    proxies = getproxies()
    proxy = proxies.get(hub.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(hub.hostname or ""):
        return hub
    return urlparse(proxy if "://" in proxy else f"http://{proxy}")
