"""Serve a local web page to try pairs of items on: python scripts/serve.py CHECKPOINT [--port 8000]

Items are entered, a picture and texts, or picked from the run's splits or from --items FILE --images FOLDER. The page
is for this machine alone, unless --host says otherwise. It needs requirements-serve.txt.
"""

import argparse
import sys
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import UserError, exit_on_user_error
from options.install import install_command
from scripts.arguments import at_least_one

LIBRARIES = ("starlette", "uvicorn", "python_multipart")


def port_number(text: str) -> int:
    """Parse a port of the command line, 0 for any free one."""
    if text.isdecimal() and int(text[:6]) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port, 0 to 65535")


@exit_on_user_error()
def main() -> None:
    """Parse the command line, load the model, serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="a checkpoint, or the folder of a run for its best one"
    )
    parser.add_argument("--items", type=Path, help="item file to pick from, in place of the run's splits")
    parser.add_argument("--images", type=Path, help="its folder or pack of images")
    parser.add_argument("--options", type=Path, metavar="OPTION_FILE", help="for a checkpoint without options, a .pth")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s, this machine alone)")
    parser.add_argument("--port", type=port_number, default=8000, help="port to listen on (%(default)s)")
    parser.add_argument("--grid", type=at_least_one, default=6, help="rows and columns of regions (%(default)s)")
    parser.add_argument("--words", type=at_least_one, default=60, help="most words of each title (%(default)s)")
    parsed = parser.parse_args()
    _check_libraries()
    # torch takes seconds to import, which wrong arguments and --help need not wait for.
    from engine.distributed import started_processes
    from tools.views.explaining.catalogue import load_catalogue
    from tools.views.explaining.explain import ExplanationSettings, check_grid
    from tools.views.explaining.pair_model import load_pair_model
    from tools.views.serving.app import build_app
    from tools.views.serving.judge import Judge
    from tools.views.serving.listen import bound_socket, serve

    # Bound first, since a model takes long to load only to find the port taken.
    with bound_socket(parsed.host, parsed.port) as sock, started_processes() as processes:
        model = load_pair_model(parsed.checkpoint, parsed.options, processes)
        check_grid(model, parsed.grid)  # whoever visits the page could not change it
        catalogue = load_catalogue(parsed.items, parsed.images, model.options)
        judge = Judge(model, catalogue, ExplanationSettings(parsed.grid, parsed.words))
        if not _is_loopback(parsed.host):
            print(
                f"warning: --host {parsed.host} lets everyone who can reach this machine use the model and see the "
                "catalogue; there is no password",
                file=sys.stderr,
            )
        serve(build_app(judge, parsed.checkpoint.name, parsed.host), sock)


def _check_libraries() -> None:
    missing = [library for library in LIBRARIES if find_spec(library) is None]
    if missing:
        command = install_command("-r requirements-serve.txt")
        raise UserError(f"the page needs {', '.join(missing)}; run `{command}`")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    main()
