from pathlib import Path

import pytest

from data.package_files import is_local, local_path
from data.tokenizer import Tokenizer
from options.errors import UserError
from tests.tiny_data import write_tokenizer


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that fails when it is imported and has a tokenizer in it."""
    folder = tmp_path / "some_weights"
    write_tokenizer(folder / "model")
    (folder / "__init__.py").write_text("raise RuntimeError\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_a_file_of_a_package_is_found_without_importing_it(package: Path) -> None:
    assert local_path("package:some_weights/model", "model.weights") == str(package / "model")
    assert is_local("package:some_weights/model")


def test_other_names_are_left_as_they_are(tmp_path: Path) -> None:
    assert local_path("hfl/chinese-roberta-wwm-ext", "x") == "hfl/chinese-roberta-wwm-ext"
    assert not is_local("hfl/chinese-roberta-wwm-ext")
    assert is_local(str(tmp_path))


@pytest.mark.parametrize("name", ["no_such_weights", "no_such_weights/model", "no_such.inner/model"])
def test_a_missing_package_is_told_with_the_command_that_installs_it(name: str) -> None:
    with pytest.raises(UserError, match=r"(?s)model\.weights: .*pip install no-such"):
        local_path(f"package:{name}", "model.weights")


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("inside", ["", "/", "/other"])
def test_a_missing_file_in_a_package_is_told_with_its_path(inside: str) -> None:
    with pytest.raises(UserError, match="the package has no such file or folder"):
        local_path(f"package:some_weights{inside}", "model.weights")


@pytest.mark.usefixtures("package")
def test_a_tokenizer_comes_out_of_a_package() -> None:
    assert Tokenizer("package:some_weights/model", 8)(["ab"])[0]
