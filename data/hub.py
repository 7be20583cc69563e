"""Where the names of pretrained models lead: to a file or folder, into an installed package, or to the hub."""

import os
import socket
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import ParseResult, urlparse
from urllib.request import getproxies, proxy_bypass

from options.errors import UserError, install_command

PREFIX = "package:"
"""Of the name of a file that comes with an installed Python package, `package:NAME/PATH`."""
TIMEOUT_SECONDS = 5.0
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""What a folder of weights holds, there and in a local one, the preferred one first."""


def local_path(name: str, option: str) -> str:
    """Return the path of a file or folder that is named `package:NAME/PATH`, and any other text as it is.

    The package is found, not imported. Raises UserError, which names the option, where it or the file in it is missing.
    """
    if not name.startswith(PREFIX):
        return name
    package, _, inside = name.removeprefix(PREFIX).partition("/")
    folder = _folder(package)
    if folder is None:
        raise UserError(
            f"{option}: {name!r}: there is no Python package {package!r}; "
            f"`{install_command(package.replace('_', '-'))}` installs it (see the requirements files for the version)"
        )
    path = folder / inside
    if not inside or not path.exists():
        raise UserError(f"{option}: {name!r}: the package has no such file or folder ({path})")
    return str(path)


def is_local(name: str) -> bool:
    """Tell whether a name stands for files of this machine, so that no hub has to be asked for it."""
    return name.startswith(PREFIX) or Path(name).exists()


def _folder(package: str) -> Path | None:
    try:
        spec = find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


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
