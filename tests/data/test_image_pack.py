import multiprocessing
import os
import pickle
import stat
from pathlib import Path

import pytest

from data.image_pack import HEADER, MAGIC, PackError, PackReader, PackWriter
from data.image_store import ImagePack
from data.item_image import BadImageError

CONTENTS = {"a.jpg": b"first", "花瓶 🏺.png": b"second " * 9, "empty": b"", "z": b"last"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "images.pack"
    with file.open("wb") as stream:
        writer = PackWriter(stream, "files", 0)
        for name, content in CONTENTS.items():
            writer.add(name, content)
        writer.add("broken.jpg", b"it is what it is", is_fault=True)
        writer.finish()
    return file


def contents(pack: PackReader) -> dict[str, bytes | None]:
    return {name: pack.read(entry) for name in CONTENTS if (entry := pack.find(name)) is not None}


def test_what_was_written_is_read(file: Path) -> None:
    pack = PackReader(file)
    assert contents(pack) == CONTENTS
    assert len(pack) == len(CONTENTS) + 1
    assert pack.find("b.jpg") is None
    fault = pack.find("broken.jpg")
    assert fault is not None
    assert fault.is_fault
    assert pack.read(fault) == b"it is what it is"


def test_a_file_cut_off_anywhere_is_refused_by_its_name(file: Path) -> None:
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(PackError, match=r"images\.pack: (the pack of images is cut off|is no pack of images)"):
            PackReader(file)


def test_a_flipped_bit_anywhere_is_noticed_where_it_matters(file: Path) -> None:
    whole = file.read_bytes()
    refused = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        file.write_bytes(damaged)
        try:
            pack = PackReader(file)
        except PackError:
            refused += 1
            continue
        images = ImagePack(file, pack)
        (hit,) = [name for name in (*CONTENTS, "broken.jpg") if pack.read(pack.find(name)) is None]  # type: ignore[arg-type]
        with pytest.raises(BadImageError, match="its bytes in the pack are damaged") as caught:
            images.content(hit)
        assert str(file / hit) in str(caught.value)
    data = sum(map(len, CONTENTS.values())) + len("it is what it is")
    assert refused == len(whole) - data


def test_a_file_whose_writing_was_broken_off_is_no_pack(tmp_path: Path) -> None:
    file = tmp_path / "half.pack"
    with file.open("wb") as stream:
        PackWriter(stream, "files", 0).add("a", b"content")
    with pytest.raises(PackError, match="is no pack of images, or one whose writing was broken off"):
        PackReader(file)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", MAGIC.replace(b"\r\n", b"\n"), bytes(HEADER.size)])
def test_other_files_are_no_packs(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(PackError, match="other: is no pack of images"):
        PackReader(tmp_path / "other")


def test_something_behind_the_pack_is_refused(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(PackError, match="has something behind it"):
        PackReader(file)


def test_reads_that_come_back_short_are_gone_on_with(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda descriptor, length, start: pread(descriptor, min(length, 3), start))
    assert contents(PackReader(file)) == CONTENTS


def test_a_pack_that_is_cut_off_while_it_is_in_use_is_an_error_and_no_signal(file: Path) -> None:
    images = ImagePack(file, PackReader(file))
    os.truncate(file, HEADER.size + 2)
    with pytest.raises(PackError, match=r"images\.pack: .* was cut off while it was in use"):
        images.content("a.jpg")


def test_a_pack_that_another_takes_the_place_of_is_read_on(file: Path) -> None:
    pack = PackReader(file)
    other = file.with_name("other")
    other.write_bytes(b"another file")
    other.replace(file)
    assert contents(pack) == CONTENTS


def test_a_pack_that_may_not_be_read_is_named(file: Path) -> None:
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("permissions do not bind this user")
    with pytest.raises(PackError, match=r"images\.pack: the pack of images cannot be read: Permission denied"):
        PackReader(file)
    file.chmod(stat.S_IRUSR)


def _report(pack: PackReader, answers: "multiprocessing.Queue[dict[str, bytes | None]]") -> None:
    answers.put(contents(pack))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_it_too(file: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    pack = PackReader(file)
    answers = context.Queue()
    processes = [context.Process(target=_report, args=(pack, answers)) for _ in range(2)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == [CONTENTS] * 2
    for process in processes:
        process.join()


def test_a_copy_opens_the_file_by_itself_and_each_is_closed_when_it_is_no_longer_needed(file: Path) -> None:
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("open files are counted in /proc")
    before = len(list(folder.iterdir()))
    pack = PackReader(file)
    copy = pickle.loads(pickle.dumps(pack))
    assert len(list(folder.iterdir())) == before + 2
    del pack
    assert contents(copy) == CONTENTS
    del copy
    assert len(list(folder.iterdir())) == before
