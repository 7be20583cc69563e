import pkgutil

import pytest

import benchmarks
from benchmarks.__main__ import BENCHMARKS, main


def test_every_benchmark_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    lines = capsys.readouterr().out.splitlines()
    shared = {"__main__", "arguments", "synthetic_photos"}
    found = {module.name for module in pkgutil.iter_modules(benchmarks.__path__)} - shared
    assert found == {*BENCHMARKS}
    assert {line.split()[2].removeprefix("benchmarks.") for line in lines[:-1]} == found
