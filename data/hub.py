"""Whether names of pretrained models can be looked up on the hub."""

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlparse

TIMEOUT_SECONDS = 5.0


def go_offline_without_hub(names: Iterable[str]) -> None:
    """Tell the hub's client to stay offline where a name needs the hub and the hub cannot be reached.

    Otherwise the client tries again and again for most of a minute before it gives up. It reads the variable
    when it is imported, so this comes before that. Names of local folders need no hub and cause no connection.
    """
    if "HF_HUB_OFFLINE" in os.environ or all(Path(name).exists() for name in names):
        return
    address = urlparse(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    try:
        with socket.create_connection((address.hostname or "", address.port or 443), TIMEOUT_SECONDS):
            pass
    except OSError:
        os.environ["HF_HUB_OFFLINE"] = "1"
