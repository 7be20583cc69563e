import io
from pathlib import Path

import pytest

from data.joined_files import JoinedFiles


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    for name, content in (("a", b"012"), ("b", b""), ("c", b"3456789")):
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in "abc"]


def test_several_files_are_read_as_one(parts: list[Path]) -> None:
    with io.BufferedReader(JoinedFiles(parts)) as joined:
        assert joined.read() == b"0123456789"
        joined.seek(-5, io.SEEK_END)
        assert (joined.read(2), joined.tell()) == (b"56", 7)
        joined.seek(2)
        joined.seek(1, io.SEEK_CUR)
        assert joined.read(4) == b"3456"
        joined.seek(100)
        assert joined.read() == b""


def test_the_start_of_each_file_is_known(parts: list[Path]) -> None:
    with JoinedFiles(parts) as joined:
        assert joined.starts == [0, 3, 3, 10]


def test_a_place_before_the_start_is_refused(parts: list[Path]) -> None:
    with JoinedFiles(parts) as joined, pytest.raises(OSError, match="before the start"):
        joined.seek(-11, io.SEEK_END)


def test_closing_closes_the_files(parts: list[Path]) -> None:
    joined = JoinedFiles(parts)
    joined.close()
    with pytest.raises(ValueError, match="closed"):
        joined._files[0].read()
