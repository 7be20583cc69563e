from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.published_file import read_published
from options.errors import UserError
from tools.exchange.published_checkpoint import export_published, import_published

NETWORK = Path(__file__).parents[2] / "assets/published/network.pth"

both_libraries = pytest.mark.parametrize("library", ["timm", "transformers"])


@both_libraries
def test_a_published_file_comes_back_bit_for_bit(tmp_path: Path, library: Literal["timm", "transformers"]) -> None:
    folder, file = tmp_path / "checkpoint", tmp_path / "back/network.pth"
    num_ours = import_published(NETWORK, folder, library)
    assert num_ours == len(load_file(folder / "item_encoder.safetensors"))
    assert {path.name for path in folder.iterdir()} == {"item_encoder.safetensors", "SHA256SUMS"}
    original = read_published(NETWORK)
    assert export_published(folder, file) == len(original)
    back = torch.load(file, weights_only=True)["params"]
    assert back.keys() == original.keys()
    for name, tensor in original.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name], tensor), name
    # Nothing but the tensors is written, though some share memory once they are mapped.
    assert file.stat().st_size < NETWORK.stat().st_size * 1.1
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "SHA256SUMS",
        "item_encoder.safetensors",
        "network.pth",
    ]


def test_parts_are_imported_as_the_whole(tmp_path: Path) -> None:
    content = NETWORK.read_bytes()
    (tmp_path / "net.pth.partaa").write_bytes(content[:500_000])
    (tmp_path / "net.pth.partab").write_bytes(content[500_000:])
    import_published(tmp_path / "net.pth", tmp_path / "parts", "timm")
    import_published(NETWORK, tmp_path / "whole", "timm")
    written = [(tmp_path / name / "item_encoder.safetensors").read_bytes() for name in ("parts", "whole")]
    assert written[0] == written[1]


def test_what_exists_is_not_overwritten(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    with pytest.raises(UserError, match="kept: exists already"):
        import_published(NETWORK, kept, "timm")
    with pytest.raises(UserError, match="kept: exists already"):
        export_published(tmp_path, kept)
    assert kept.read_text() == "mine"


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("fc2.", r"nothing of match\.projection"),
        ("img_encoder1.layernorm.bias", r"missing threshold\.image_encoder\.backbone\.norm\.bias"),
    ],
)
def test_a_file_that_lacks_tensors_is_refused_and_nothing_is_left(tmp_path: Path, lost: str, message: str) -> None:
    state = {name: tensor for name, tensor in read_published(NETWORK).items() if not name.startswith(lost)}
    torch.save({"params": state}, tmp_path / "net.pth")
    with pytest.raises(UserError, match=message):
        import_published(tmp_path / "net.pth", tmp_path / "out", "timm")
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


def test_a_checkpoint_of_another_network_is_not_exported(tmp_path: Path) -> None:
    import_published(NETWORK, tmp_path / "whole", "timm")
    state = load_file(tmp_path / "whole/item_encoder.safetensors")
    match_only = {name: tensor for name, tensor in state.items() if name.startswith("match.")}
    save_file(match_only, tmp_path / "match.safetensors")
    with pytest.raises(UserError, match=r"nothing of threshold\.text_encoder"):
        export_published(tmp_path / "match.safetensors", tmp_path / "out.pth")
    other = {name.replace("patch_embed", "stem"): tensor for name, tensor in state.items()}
    save_file(other, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="its image encoder is no Swin Transformer"):
        export_published(tmp_path / "other.safetensors", tmp_path / "out.pth")
    assert not (tmp_path / "out.pth").exists()


def test_a_disk_that_is_full_ends_an_import_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device")  # what safetensors makes of it

    monkeypatch.setattr("tools.exchange.published_checkpoint.save_file", no_room)
    with pytest.raises(UserError, match=r"out: cannot be written: .*No space left"):
        import_published(NETWORK, tmp_path / "out", "timm")
    assert not list(tmp_path.iterdir())


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_published(NETWORK, tmp_path / "checkpoint", "timm")

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tools.exchange.published_checkpoint.torch.save", no_room)
    with pytest.raises(UserError, match=r"out\.pth: cannot be written: No space left"):
        export_published(tmp_path / "checkpoint", tmp_path / "out.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
