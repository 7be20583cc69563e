import hashlib
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class RangeServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts_left = 0
        self.ranges: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: RangeServer

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path.startswith("/forbidden"):
            self.send_error(403)
            return
        if not self.path.startswith("/data"):
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        if self.server.cuts_left:
            self.server.cuts_left -= 1
            self.wfile.write(CONTENT[start : start + 100_000])
            self.close_connection = True
            return
        self.wfile.write(CONTENT[start:])

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with RangeServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def download(tmp_path: Path, *lines: str, tries: int = 5) -> subprocess.CompletedProcess[str]:
    (tmp_path / "addresses.txt").write_text("# the official files\n\n" + "\n".join(lines))
    return subprocess.run(
        ["bash", "scripts/download_data.sh", str(tmp_path / "addresses.txt"), str(tmp_path / "out")],
        cwd=ROOT,
        env={**os.environ, "TRIES": str(tries), "PAUSE": "0", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_files_are_downloaded_checked_and_not_fetched_twice(server: RangeServer, tmp_path: Path) -> None:
    lines = [
        f"{server.address}/data?sign=a&b=c%2B a.zip {len(CONTENT)} {SHA256}",
        f"{server.address}/data b.zip",
        f"{server.address}/data c.zip - {SHA256.upper()}",
    ]
    done = download(tmp_path, *lines)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.zip", "b.zip", "c.zip"]
    assert all(path.read_bytes() == CONTENT for path in (tmp_path / "out").iterdir())
    assert download(tmp_path, *lines).stdout.count("stands already") == 3
    assert len(server.ranges) == 3


def test_lines_may_end_as_windows_writes_them(server: RangeServer, tmp_path: Path) -> None:
    url = f"{server.address}/data"
    done = download(tmp_path, f"{url} a.zip\r", "\r", f"{url} b.zip {len(CONTENT)}\r", f"{url} c.zip - {SHA256}\r")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.zip", "b.zip", "c.zip"]


def test_a_transfer_that_breaks_off_goes_on_where_it_ended(server: RangeServer, tmp_path: Path) -> None:
    server.cuts_left = 2
    done = download(tmp_path, f"{server.address}/data a.zip {len(CONTENT)} {SHA256}")
    assert done.returncode == 0, done.stderr
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]
    assert (tmp_path / "out" / "a.zip").read_bytes() == CONTENT


def test_an_interrupted_download_keeps_its_part_and_is_resumed_by_the_next_run(
    server: RangeServer, tmp_path: Path
) -> None:
    server.cuts_left = 1
    line = f"{server.address}/data a.zip {len(CONTENT)}"
    failed = download(tmp_path, line, tries=1)
    assert failed.returncode == 2
    assert "run again to go on from 100000 bytes" in failed.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.zip.part"]
    assert download(tmp_path, line).returncode == 0
    assert server.ranges == [None, "bytes=100000-"]


def test_a_complete_part_only_takes_its_name(server: RangeServer, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.zip.part").write_bytes(CONTENT)
    assert download(tmp_path, f"{server.address}/data a.zip {len(CONTENT)} {SHA256}").returncode == 0
    assert server.ranges == []
    (tmp_path / "out" / "b.zip.part").write_bytes(CONTENT)
    assert download(tmp_path, f"{server.address}/data b.zip").returncode == 0
    assert (tmp_path / "out" / "b.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("expected", [f"{len(CONTENT) + 1}", f"{len(CONTENT)} {'0' * 64}", f"- {'0' * 64}", "10"])
def test_a_wrong_size_or_checksum_is_reported_and_takes_no_name(
    server: RangeServer, tmp_path: Path, expected: str
) -> None:
    done = download(tmp_path, f"{server.address}/data a.zip {expected}", tries=2)
    assert done.returncode == 2
    assert "instead of" in done.stderr
    assert "check the address, the size and the checksum" in done.stderr
    assert not (tmp_path / "out" / "a.zip").exists()


def test_one_failure_does_not_hold_up_the_other_files(server: RangeServer, tmp_path: Path) -> None:
    done = download(
        tmp_path,
        f"{server.address}/forbidden a.zip",
        f"{server.address}/missing b.zip",
        f"{server.address}/data c.zip",
    )
    assert done.returncode == 2
    assert "get a fresh one" in done.stderr
    assert "no such file" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["c.zip"]


@pytest.mark.parametrize(
    "line", ["http://x", "http://x ../a", "http://x a/b", "http://x a 12k", "http://x a 1 abc", "http://x a 1 - y"]
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    done = download(tmp_path, line)
    assert done.returncode == 2
    assert "addresses.txt:3" in done.stderr


def test_a_missing_address_file_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "scripts/download_data.sh", str(tmp_path / "none.txt"), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "none.txt: cannot be read" in done.stderr
