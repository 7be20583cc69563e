from pathlib import Path

import pytest

from options.errors import UserError
from tools.preparation.archive_parts import Archive, find_archives


@pytest.mark.parametrize(
    "names",
    [
        ["a.ZIP"],
        ["a.zip.001", "a.zip.002"],
        ["a.zip.000", "a.zip.001"],
        ["a.zip.partaa", "a.zip.partab"],
        ["a.zipaa", "a.zipab"],
        ["a.zip.aa", "a.zip.ab"],
        [f"a.zip.{first}{second}" for first in "ab" for second in "abcdefghijklmnopqrstuvwxyz"],
        ["a.z01", "a.z02", "a.zip"],
        [*(f"a.z{number:02}" for number in range(1, 101)), "a.zip"],
    ],
)
def test_parts_of_one_archive_are_found_in_order(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "remark.txt").touch()
    is_spanned = "a.z01" in names
    assert find_archives([tmp_path]) == [Archive("a", tuple(tmp_path / name for name in names), is_spanned)]


def test_what_is_missing_or_no_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.zip: no such file"):
        find_archives([tmp_path / "a.zip"])
    with pytest.raises(UserError, match="no zip archive is among"):
        find_archives([tmp_path])
    (tmp_path / "a.txt").touch()
    with pytest.raises(UserError, match=r"a\.txt: is not named like a zip archive"):
        find_archives([tmp_path / "a.txt"])
    (tmp_path / "a.z01").touch()
    with pytest.raises(UserError, match=r"a\.zip: the last part of a\.z01 \.\.\. is missing"):
        find_archives([tmp_path])


def test_two_archives_of_one_name_are_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "images.zip").touch()
    with pytest.raises(UserError, match="would be extracted into the folder of"):
        find_archives([one / "images.zip", other / "images.zip"])
    (one / "images.zip.001").touch()
    with pytest.raises(UserError, match="would be extracted into the folder of"):
        find_archives([one])


@pytest.mark.parametrize("missing", ["001", "002"])
def test_a_missing_part_is_named(tmp_path: Path, missing: str) -> None:
    for number in ("001", "002", "003"):
        (tmp_path / f"data.zip.{number}").write_bytes(b"x")
    (tmp_path / f"data.zip.{missing}").unlink()
    with pytest.raises(UserError, match=f"part {int(missing)} .* is missing"):
        find_archives([tmp_path])
