import io
import stat
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from options.errors import UserError
from tools.preparation.archive_parts import find_archives
from tools.preparation.extraction import ExtractionCounts, ExtractionLimits, extract_archive

FILES = {f"images/{number}.jpg": np.random.default_rng(number).bytes(30_000) for number in range(9)}
LIMITS = ExtractionLimits()


def zip_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def extract_all(folder: Path, output: Path, limits: ExtractionLimits = LIMITS) -> list[ExtractionCounts]:
    return [extract_archive(archive, output, limits) for archive in find_archives([folder])]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "download"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "endings", [[".001", ".002", ".003"], [".partaa", ".partab", ".partac"], [".aa", ".ab", ".ac"]]
)
def test_parts_are_read_as_one_archive(source: Path, tmp_path: Path, endings: list[str]) -> None:
    content = zip_of(FILES)
    for number, ending in enumerate(endings):
        (source / f"data.zip{ending}").write_bytes(content[number * 100_000 : (number + 1) * 100_000])
    assert extract_all(source, tmp_path / "out") == [ExtractionCounts(9, 0)]
    assert tree(tmp_path / "out" / "data") == FILES


MANY_SMALL = {f"images/{number}.jpg": np.random.default_rng(number).bytes(3000) for number in range(80)}


@pytest.mark.parametrize("files", [FILES, MANY_SMALL], ids=["few large", "many small"])
def test_a_spanned_archive_is_read(source: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = tmp_path / "plain" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    command = ["zip", "-q", "-r", "-s", "64k", str(source / "data.zip"), "images"]
    try:
        subprocess.run(command, cwd=tmp_path / "plain", check=True)
    except FileNotFoundError:
        pytest.skip("the program zip is not installed")
    assert (source / "data.z03").exists()
    assert extract_all(source, tmp_path / "out") == [ExtractionCounts(len(files), 0)]
    assert tree(tmp_path / "out" / "data") == files


def test_an_interrupted_extraction_goes_on(source: Path, tmp_path: Path) -> None:
    (source / "data.zip").write_bytes(zip_of(FILES))
    extract_all(source, tmp_path / "out")
    (tmp_path / "out/data/images/3.jpg").unlink()
    (tmp_path / "out/data/images/4.jpg").write_bytes(b"cut")
    assert extract_all(source, tmp_path / "out") == [ExtractionCounts(2, 7)]
    assert tree(tmp_path / "out" / "data") == FILES


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "C:/x", "..\\x", "\\\\server\\x", "a/..", "C:x"])
def test_a_name_that_leaves_the_folder_is_refused(source: Path, tmp_path: Path, name: str) -> None:
    (source / "data.zip").write_bytes(zip_of({"good.jpg": b"1", name: b"2"}))
    with pytest.raises(UserError, match="leaves the target folder"):
        extract_all(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"download"}


def test_links_are_refused(source: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(source / "data.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc")
    with pytest.raises(UserError, match="link or device"):
        extract_all(source, tmp_path / "out")


def test_a_link_that_stands_in_the_target_is_not_followed(source: Path, tmp_path: Path) -> None:
    (source / "data.zip").write_bytes(zip_of(FILES))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/data").mkdir(parents=True)
    (tmp_path / "out/data/images").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="leads out of it"):
        extract_all(source, tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(source: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(source / "data.zip", "w") as archive:
        archive.writestr("a.jpg", b"1")
        archive.writestr("a.jpg", b"2")
    with pytest.raises(UserError, match="twice"):
        extract_all(source, tmp_path / "out")


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        (ExtractionLimits(max_files=8), "--max-files"),
        (ExtractionLimits(max_bytes=200_000), "--max-bytes"),
        (ExtractionLimits(max_ratio=0.5), "--max-ratio"),
    ],
)
def test_more_than_the_limits_is_refused(source: Path, tmp_path: Path, limits: ExtractionLimits, fault: str) -> None:
    (source / "data.zip").write_bytes(zip_of(FILES))
    with pytest.raises(UserError, match=fault):
        extract_all(source, tmp_path / "out", limits)


def test_a_bomb_is_refused(source: Path, tmp_path: Path) -> None:
    (source / "data.zip").write_bytes(zip_of({"zeros": bytes(50_000_000)}))
    with pytest.raises(UserError, match="may be a bomb"):
        extract_all(source, tmp_path / "out")


def test_chinese_names_are_read_with_and_without_the_flag(source: Path, tmp_path: Path) -> None:
    content = zip_of({"商品/主图.jpg": b"1"})
    (source / "utf8.zip").write_bytes(content)
    for encoding in ("gbk", "utf-8"):
        placeholder = "x" * len("商品/主图.jpg".encode(encoding))
        plain = zip_of({placeholder: b"1"})
        (source / f"{encoding}.zip").write_bytes(plain.replace(placeholder.encode(), "商品/主图.jpg".encode(encoding)))
    extract_all(source, tmp_path / "out")
    assert tree(tmp_path / "out") == {f"{name}/商品/主图.jpg": b"1" for name in ("utf8", "gbk", "utf-8")}


def test_a_damaged_file_never_takes_its_name(source: Path, tmp_path: Path) -> None:
    content = bytearray(zip_of(FILES))
    content[len(content) // 2] ^= 0xFF
    (source / "data.zip").write_bytes(content)
    with pytest.raises(UserError, match="download it again"):
        extract_all(source, tmp_path / "out")
    found = tree(tmp_path / "out" / "data")
    found.pop(".extracting", None)
    assert 0 < len(found) < 9
    assert all(FILES[name] == content for name, content in found.items())


def test_a_cut_archive_is_reported(source: Path, tmp_path: Path) -> None:
    (source / "data.zip.001").write_bytes(zip_of(FILES)[:100_000])
    with pytest.raises(UserError, match="damaged or incomplete"):
        extract_all(source, tmp_path / "out")
