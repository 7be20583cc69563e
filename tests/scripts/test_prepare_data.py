import functools
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[Path]:
    """Serve a small official download: two image parts and an archive of item and pair files."""
    generator = np.random.default_rng(0)
    served = tmp_path / "served"
    served.mkdir()
    items, pairs = [], []
    images = io.BytesIO()
    with zipfile.ZipFile(images, "w") as archive:
        for number in range(60):
            content = io.BytesIO()
            pixels = generator.integers(0, 256, (30, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(content, "PNG" if number % 7 == 0 else "JPEG")
            name = f"{number}.{'SS2' if number % 7 == 0 else 'jpg'}"
            archive.writestr(f"item_train_images/{name}", content.getvalue())
            pvs = f"#品牌#:#牌{number // 3}#;" + ("#型号#:#X#;" if number % 2 else "")
            record = {"item_id": str(number), "item_image_name": name, "title": f"商品{number}", "item_pvs": pvs}
            items.append({**record, "cate_name": "水"})
    for cluster in range(20):
        for first, second in ((0, 1), (1, 2)):
            pair = {"src_item_id": str(3 * cluster + first), "tgt_item_id": str(3 * cluster + second)}
            pairs.append({**pair, "item_label": str(first)})
    content_of_images = images.getvalue()
    middle = len(content_of_images) // 2
    (served / "item_train_images.zip.partaa").write_bytes(content_of_images[:middle])
    (served / "item_train_images.zip.partab").write_bytes(content_of_images[middle:])
    with zipfile.ZipFile(served / "item_train.zip", "w") as archive:
        for file, records in (("item_train_info.jsonl", items), ("item_train_pair.jsonl", pairs)):
            lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
            archive.writestr(file, "".join(lines))
    handler = functools.partial(QuietHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        file = tmp_path / "addresses.txt"
        file.write_text(
            "".join(f"{address}/{path.name} {path.name} {path.stat().st_size}\n" for path in served.iterdir())
        )
        yield file
        server.shutdown()
        thread.join()


def prepare(addresses: Path | str, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / "scripts/prepare_data.sh"), str(addresses), str(out), *arguments],
        cwd=out.parent,
        env={**os.environ, "PYTHON": sys.executable, "PROCESSES": "2", "TRIES": "1", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_official_files_become_the_files_of_the_options(addresses: Path, tmp_path: Path) -> None:
    out = tmp_path / "ccks"
    done = prepare(addresses, out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((out / "item_images").glob("*.jpg"))) == 60
    with Image.open(out / "item_images" / "7.jpg") as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (384, 384))
    assert (out / "attributes.yml").read_text("utf-8") == 'attributes: ["品牌", "型号"]\n'
    whole = (out / "item_train_pair.jsonl").read_bytes().splitlines()
    train, val = ((out / f"pair_{side}.jsonl").read_bytes().splitlines() for side in ("train", "val"))
    assert sorted(train + val) == sorted(whole)
    assert len(val) == 6
    assert [line for line in whole if line in set(val)] == val

    before = contents(out)
    again = prepare("-", out)
    assert again.returncode == 0, again.stderr
    assert contents(out) == before


def test_a_missing_archive_is_told_with_exit_status_2(addresses: Path, tmp_path: Path) -> None:
    lines = addresses.read_text().splitlines(keepends=True)
    addresses.write_text("".join(line for line in lines if "item_train.zip" not in line))
    done = prepare(addresses, tmp_path / "ccks")
    assert done.returncode == 2
    assert "item_train_info.jsonl is in none of the archives" in done.stderr


def test_what_cannot_be_written_is_told_with_exit_status_2(addresses: Path, tmp_path: Path) -> None:
    out = tmp_path / "ccks"
    out.touch()
    done = prepare("-", out)
    assert done.returncode == 2
    assert f"error: {out}: cannot be made" in done.stderr
    out.unlink()
    out.mkdir()
    (out / "item_train_info.jsonl.part").symlink_to("/dev/full")
    done = prepare(addresses, out)
    assert done.returncode == 2
    assert "item_train_info.jsonl: cannot be written; make room" in done.stderr


def test_arguments_after_the_dashes_reach_the_split(addresses: Path, tmp_path: Path) -> None:
    out = tmp_path / "ccks"
    assert prepare(addresses, out, "--", "--ratio", "3").returncode == 0
    assert len((out / "pair_val.jsonl").read_bytes().splitlines()) == 10


def test_help_explains_the_arguments_and_sets_nothing_up(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "scripts" / "prepare_data.sh"
    command = ["bash", str(script), "--help"]
    answer = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "ADDRESSES_FILE" in answer.stdout
    assert "Setting up" not in answer.stdout
    assert not any(tmp_path.iterdir())
