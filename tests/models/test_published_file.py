import os
from collections import OrderedDict
from pathlib import Path
from random import Random

import pytest
import torch

from models.published_file import read_published
from options.errors import UserError

NETWORK = Path(__file__).parents[1] / "assets/published/network.pth"


class RunsCode:
    """What a hostile file would hold: unpickling it runs a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def split(folder: Path, at: int) -> Path:
    """Write the network in two parts, as it is published, and return the name of the whole."""
    content = NETWORK.read_bytes()
    (folder / "net.pth.partaa").write_bytes(content[:at])
    (folder / "net.pth.partab").write_bytes(content[at:])
    return folder / "net.pth"


def test_a_whole_file_gives_all_tensors() -> None:
    state = read_published(NETWORK)
    assert len(state) == 392
    assert state["fc1.weight"].shape == (16, 64)


@pytest.mark.parametrize("at", [1, 1000, 400_000, -1])
@pytest.mark.parametrize("ending", ["", ".partaa", ".partab"])
def test_two_parts_give_the_tensors_of_the_whole(tmp_path: Path, at: int, ending: str) -> None:
    whole = split(tmp_path, at)
    state, expected = read_published(whole.with_name(whole.name + ending)), read_published(NETWORK)
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("part", ["partaa", "partab"])
def test_a_missing_part_is_named(tmp_path: Path, part: str) -> None:
    whole = split(tmp_path, 1000)
    (tmp_path / f"net.pth.{part}").unlink()
    with pytest.raises(UserError, match=rf"missing net\.pth\.{part}"):
        read_published(whole)


def test_a_part_missing_in_the_middle_is_named(tmp_path: Path) -> None:
    whole = split(tmp_path, 1000)
    (tmp_path / "net.pth.partab").rename(tmp_path / "net.pth.partac")
    with pytest.raises(UserError, match=r"missing net\.pth\.partab"):
        read_published(whole)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.pth: no such checkpoint file"):
        read_published(tmp_path / "absent.pth")


def test_the_old_format_of_torch_save_is_read(tmp_path: Path) -> None:
    file = tmp_path / "old.pth"
    torch.save({"params": {"fc1.bias": torch.arange(3.0)}}, file, _use_new_zipfile_serialization=False)
    assert read_published(file)["fc1.bias"].tolist() == [0, 1, 2]


def test_the_prefix_of_a_data_parallel_module_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "parallel.pth"
    torch.save({"params": OrderedDict({"module.fc1.bias": torch.ones(2)})}, file)
    assert list(read_published(file)) == ["fc1.bias"]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path, zipped: bool) -> None:
    file, trace = tmp_path / "hostile.pth", tmp_path / "was_here"
    content = {"params": {"fc1.bias": torch.ones(2), "x": RunsCode(f"touch {trace}")}}
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError, match=r"hostile\.pth: refused"):
        read_published(file)
    assert not trace.exists()


@pytest.mark.parametrize(
    "content", [b"", b"no checkpoint at all, but text\n", NETWORK.read_bytes()[:300_000], b"PK\x03\x04"]
)
def test_a_damaged_file_is_reported_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "damaged.pth"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"damaged\.pth: .*damaged"):
        read_published(file)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("zipped", [True, False])
def test_damage_anywhere_ends_in_tensors_or_in_a_user_error(tmp_path: Path, zipped: bool) -> None:
    whole, damaged = tmp_path / "whole.pth", tmp_path / "damaged.pth"
    state = {"params": {f"fc{number}.bias": torch.arange(5.0) for number in range(3)}}
    torch.save(state, whole, _use_new_zipfile_serialization=zipped)
    random, num_refused = Random(0), 0
    for _ in range(300):
        content = bytearray(whole.read_bytes())
        for _ in range(3):
            content[random.randrange(len(content))] = random.randrange(256)
        damaged.write_bytes(content[: random.randrange(len(content) // 2, 2 * len(content))])
        try:
            read_published(damaged)
        except UserError:
            num_refused += 1
    assert num_refused > 100


@pytest.mark.parametrize("content", [{"weights": {}}, [1, 2], {"params": [1]}, {"params": {}}, torch.ones(1)])
def test_other_content_is_no_published_checkpoint(tmp_path: Path, content: object) -> None:
    file = tmp_path / "other.pth"
    torch.save(content, file)
    with pytest.raises(UserError, match="no published checkpoint"):
        read_published(file)


def test_what_is_no_tensor_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mixed.pth"
    torch.save({"params": {"fc1.bias": torch.ones(1), "step": 3, 4: torch.ones(1)}}, file)
    with pytest.raises(UserError, match="'step', 4"):
        read_published(file)
