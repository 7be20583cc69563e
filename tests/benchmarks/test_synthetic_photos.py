from pathlib import Path

from PIL import Image

from benchmarks.synthetic_photos import write_photos


def test_photos_are_the_same_at_every_call_and_differ_among_themselves(tmp_path: Path) -> None:
    once, again = (write_photos(tmp_path / name, 2) for name in ("once", "again"))
    contents = [(once / f"{number:05d}.jpg").read_bytes() for number in range(2)]
    assert contents == [(again / f"{number:05d}.jpg").read_bytes() for number in range(2)]
    assert contents[0] != contents[1]
    with Image.open(once / "00000.jpg") as photo:
        assert 800 <= min(photo.size) <= max(photo.size) <= 1500
