import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from options.errors import UserError
from options.yaml_values import read_yaml_mapping

SYSTEM = "!!python/object/apply:os.system"
LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
CASES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "object": (lambda folder: f"a: 1\nb: {SYSTEM} ['touch {folder}/ran']\n".encode(), ":2: tags"),
    "object as key": (lambda folder: f"? {SYSTEM} ['touch {folder}/ran']\n: b\n".encode(), ":1: tags"),
    "module": (lambda _: b"a: !!python/module:os\n", ":1: tags"),
    "own tag": (lambda _: b"%TAG ! tag:evil,2026:\n---\na: !x b\n", ":3: tags"),
    "billion laughs": (lambda _: LAUGHS.encode(), ":1: anchors"),
    "merge key": (lambda _: b"a: 1\n<<: {b: 2}\n", ""),
    "two documents": (lambda _: b"a: 1\n---\nb: 2\n", ":2: a second YAML document"),
    "unknown version": (lambda _: b"%YAML 9.9\n---\na: 1\n", ":1: not valid YAML"),
    "enormous number": (lambda _: b"a: " + b"9" * 90_000 + b"\n", ""),
    "deep list": (lambda _: b"a: " + b"[" * 90_000, ":1: values are nested"),
    "deep mapping": (lambda _: b"{a: " * 20_000, ":1: values are nested"),
    "deep block": (lambda _: b"\n".join(b" " * depth + b"a:" for depth in range(400)), ":40: values are nested"),
    "deep keys": (lambda _: b"? " * 40_000, ":1: "),
    "many dashes": (lambda _: b"a: \n" + b"- " * 40_000, ":2: values are nested"),
    "open quote": (lambda _: b'a: "' + b"x" * 90_000, ":1: not valid YAML"),
    "100 MB": (lambda _: b"a: " + b"x" * 100_000_000, ": the file is larger than"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_is_refused_at_once_and_nothing_of_it_runs(case: str, tmp_path: Path) -> None:
    content, message = CASES[case]
    file = tmp_path / "options.yml"
    file.write_bytes(content(tmp_path))
    start = time.process_time()
    if message:
        with pytest.raises(UserError) as caught:
            read_yaml_mapping(file)
        assert str(caught.value).startswith(f"{file}{message}")
        assert len(str(caught.value)) < 500
    else:
        (fault,) = read_yaml_mapping(file).faults
        assert "refused" in fault.problem or "at most 17 digits" in fault.problem
        assert len(str(fault)) < 300
    assert time.process_time() - start < 3
    assert not (tmp_path / "ran").exists()


def test_hostile_files_take_no_memory(tmp_path: Path) -> None:
    files = []
    for case in ("billion laughs", "deep list", "many dashes", "100 MB"):
        files.append(tmp_path / f"{case}.yml")
        files[-1].write_bytes(CASES[case][0](tmp_path))
    program = f"""
from pathlib import Path
from options.errors import UserError
from options.yaml_values import read_yaml_mapping
from tests.endurance.peak_memory import peak_bytes
before = peak_bytes()
for file in {[str(file) for file in files]}:
    try:
        read_yaml_mapping(Path(file))
    except UserError:
        continue
    raise SystemExit(file)
print(peak_bytes() - before)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 50 * 2**20
