import re
import struct
import zlib

import pytest

from data.image_bytes import DamagedImageError, ForeignImageError, first_picture, image_format
from tests.endurance.image_mutations import good_images

GOOD = good_images()
REMARK = b"remark"
PIXELS = 56 * 40


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_file_is_known_by_its_content(kind: str) -> None:
    assert first_picture(GOOD[kind])[0].lower() == kind.split()[0]


def test_a_jpeg_and_a_png_lose_their_remarks() -> None:
    remark = struct.pack(">I", 6) + b"tEXtremark" + struct.pack(">I", zlib.crc32(b"tEXtremark"))
    for content in (GOOD["jpeg baseline"], GOOD["png"][:33] + remark + GOOD["png"][33:]):
        assert REMARK in content
        assert REMARK not in first_picture(content)[1]


@pytest.mark.parametrize("kind", [kind for kind in GOOD if kind.startswith("jpeg") and kind != "jpeg several"])
def test_a_jpeg_that_is_cut_off_anywhere_is_refused(kind: str) -> None:
    content = GOOD[kind]
    for length in {*range(0, len(content), 7), *range(len(content) - 20, len(content))}:
        with pytest.raises(DamagedImageError):
            first_picture(content[:length])


@pytest.mark.parametrize("kind", [kind for kind in GOOD if kind.startswith("png")])
def test_a_png_that_is_cut_off_within_its_pixels_is_refused_and_one_without_an_end_is_not(kind: str) -> None:
    content = GOOD[kind]
    end = content.index(b"fcTL", content.index(b"IDAT")) - 4 if kind == "png animated" else len(content) - 12
    for length in {*range(0, end, 7), *range(end - 20, end)}:
        with pytest.raises(DamagedImageError):
            first_picture(content[:length])
    for length in (end, end + 5):
        assert first_picture(content[:length]) == first_picture(content)


@pytest.mark.parametrize("content", [b"", b"\n", b"P6 1 1 255 abc", b"MM\0,", b"\0\0\0\x08ftyp"])
def test_another_kind_of_file_is_refused(content: bytes) -> None:
    with pytest.raises(DamagedImageError, match=r"it is (empty|no JPEG, .* or AVIF file|a video, which is not read)"):
        first_picture(content)


@pytest.mark.parametrize("brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heix", b"msf1\0\0\0\0hevc"])
def test_a_heic_file_is_refused_by_name_and_an_avif_file_in_the_same_box_is_not(brands: bytes) -> None:
    box = (8 + len(brands)).to_bytes(4) + b"ftyp" + brands
    with pytest.raises(ForeignImageError, match="it is HEIC, which is not read; convert it to JPEG, PNG"):
        image_format(box + bytes(50))
    assert image_format(box.replace(b"hei", b"avi").replace(b"avic", b"avif").replace(b"avix", b"avif").replace(
        b"hevc", b"avis") + bytes(50)) == "AVIF"  # fmt: skip


@pytest.mark.parametrize("start", [b"\xff\n", b"\0\0\0\x0cJXL \r\n\x87\n"])
def test_a_jpeg_xl_file_is_refused_by_name(start: bytes) -> None:
    with pytest.raises(ForeignImageError, match="it is JPEG XL, which is not read; convert it"):
        image_format(start + bytes(50))


def test_any_changed_byte_of_a_png_up_to_the_end_of_its_pixels_is_found() -> None:
    content = GOOD["png"]
    for place in range(8, len(content) - 12, 11):
        damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        with pytest.raises(DamagedImageError):
            first_picture(damaged)


def test_damage_behind_the_pixels_of_a_png_is_no_fault() -> None:
    content = GOOD["png animated"]
    place = content.index(b"fdAT") + 20
    damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    assert first_picture(damaged) == first_picture(content)


def test_a_png_of_endless_chunks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.image_bytes.MAX_PARTS", 100)
    chunk = struct.pack(">I", 0) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))
    with pytest.raises(DamagedImageError, match="more than 100 chunks"):
        first_picture(GOOD["png"][:33] + chunk * 100)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    content = GOOD["jpeg progressive"]
    scan = re.search(rb"\xff\xda.*?(?=\xff[^\x00])", content, re.DOTALL)
    assert scan is not None
    frame = content.index(b"\xff\xc2")
    large = content[: frame + 5] + struct.pack(">HH", 9000, 9000) + content[frame + 9 : scan.end()]
    with pytest.raises(DamagedImageError, match="25 scans of 81000000 pixels are too many"):
        first_picture(large + scan[0] * 300)


def test_a_large_jpeg_of_many_scans_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.image_bytes.MAX_SCANNED_PIXELS", 10 * PIXELS)
    first_picture(GOOD["jpeg progressive"])
    monkeypatch.setattr("data.image_bytes.MAX_SCANNED_PIXELS", 10 * PIXELS - 1)
    with pytest.raises(DamagedImageError, match="10 scans of 2240 pixels are too many"):
        first_picture(GOOD["jpeg progressive"])


def test_a_jpeg_of_endless_segments_or_restart_marks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.image_bytes.MAX_PARTS", 100)
    content = GOOD["jpeg baseline"]
    with pytest.raises(DamagedImageError, match="more than 100 marks"):
        first_picture(content[:2] + b"\xff\xfe\0\2" * 100 + content[2:])
    restarts = b"".join(bytes([0xFF, 0xD0 + number % 8]) for number in range(100))
    with pytest.raises(DamagedImageError, match="more than 100 marks"):
        first_picture(content[:-2] + restarts + content[-2:])


def test_a_jpeg_that_lacks_a_part_between_two_restart_marks_is_refused() -> None:
    content = GOOD["jpeg restarts"]
    without = content[: content.index(b"\xff\xd1")] + content[content.index(b"\xff\xd2") :]
    with pytest.raises(DamagedImageError, match="a part of its data is missing"):
        first_picture(without)


def test_what_follows_the_end_mark_of_a_jpeg_is_no_fault() -> None:
    content = GOOD["jpeg baseline"]
    assert first_picture(content + b"anything") == first_picture(content)


def test_of_several_pictures_of_a_png_or_jpeg_only_the_first_is_left() -> None:
    for kind in ("png animated", "jpeg several"):
        assert len(first_picture(GOOD[kind])[1]) < 0.7 * len(GOOD[kind])
