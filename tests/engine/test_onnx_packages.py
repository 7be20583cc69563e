import pytest

from engine import onnx_packages
from engine.onnx_packages import EXPORT, check_onnx_packages
from options.errors import UserError


def test_installed_packages_pass() -> None:
    check_onnx_packages(*EXPORT)


def test_missing_packages_are_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_packages, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(
        UserError, match=r"not installed: onnxscript; run `.*python.* -m pip install -r requirements-onnx\.txt`"
    ):
        check_onnx_packages(*EXPORT)
