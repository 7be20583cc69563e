"""Whether the optional packages of exported encoders are there."""

from importlib.util import find_spec

from options.errors import UserError
from options.install import install_command

RUNTIME = "onnxruntime"
EXPORT = ("onnx", "onnxscript", RUNTIME)


def check_onnx_packages(*names: str) -> None:
    """Raise UserError where a package is not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise UserError(f"not installed: {', '.join(missing)}; run `{install_command('-r requirements-onnx.txt')}`")
