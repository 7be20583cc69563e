import os
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from data.hub import go_offline_without_hub, is_local, local_path
from data.tokenizer import Tokenizer
from options.errors import UserError
from tests.tiny_data import write_tokenizer


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HF_HUB_OFFLINE",
        "HF_ENDPOINT",
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ):
        monkeypatch.setenv(name, "to be removed again")
        monkeypatch.delenv(name)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The addresses that were asked; none answers."""
    addresses: list[tuple[str, int]] = []

    def refuse(address: tuple[str, int], timeout: float) -> NoReturn:
        addresses.append(address)
        raise OSError("unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return addresses


def test_names_of_local_folders_cause_no_connection(tmp_path: Path, asked: list[tuple[str, int]]) -> None:
    go_offline_without_hub([str(tmp_path)])
    go_offline_without_hub([])
    assert asked == []
    assert "HF_HUB_OFFLINE" not in os.environ


def test_the_client_stays_offline_where_the_hub_cannot_be_reached(tmp_path: Path, asked: list[tuple[str, int]]) -> None:
    go_offline_without_hub([str(tmp_path), "hfl/chinese-roberta-wwm-ext"])
    assert asked == [("huggingface.co", 443)]
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_the_client_may_connect_where_the_hub_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        go_offline_without_hub(["some/model"])
    assert "HF_HUB_OFFLINE" not in os.environ


@pytest.mark.parametrize("value", ["0", "1"])
def test_what_the_user_set_is_left_alone(
    value: str, asked: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    go_offline_without_hub(["some/model"])
    assert asked == []
    assert os.environ["HF_HUB_OFFLINE"] == value


@pytest.mark.parametrize(
    ("endpoint", "proxies", "address"),
    [
        ("http://mirror.example", {}, ("mirror.example", 80)),
        ("https://mirror.example:8443", {}, ("mirror.example", 8443)),
        ("https://mirror.example", {"https_proxy": "http://proxy.example:3128"}, ("proxy.example", 3128)),
        ("https://mirror.example", {"https_proxy": "proxy.example:3128"}, ("proxy.example", 3128)),
        ("https://mirror.example", {"http_proxy": "http://other.example:3128"}, ("mirror.example", 443)),
        ("https://mirror.example", {"ALL_PROXY": "http://proxy.example"}, ("proxy.example", 80)),
        ("https://mirror.example", {"all_proxy": "other:1", "https_proxy": "proxy.example:2"}, ("proxy.example", 2)),
        ("https://mirror.example", {"all_proxy": "other:1", "no_proxy": "mirror.example"}, ("mirror.example", 443)),
    ],
)
def test_a_mirror_and_a_proxy_are_asked_instead(
    endpoint: str, proxies: dict[str, str], address: tuple[str, int], asked: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    go_offline_without_hub(["some/model"])
    assert asked == [address]


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
