import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("arguments", [[], ["no/such/folder"]])
def test_a_folder_without_data_is_told_before_anything_is_installed_or_trained(arguments: list[str]) -> None:
    ended = subprocess.run(
        ["bash", "benchmarks/reproduce_products.sh", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "give the data folder" in ended.stderr


def test_the_requirements_are_those_that_the_option_files_name() -> None:
    pinned = (ROOT / "requirements-products.txt").read_text(encoding="utf-8")
    files = (ROOT / "options" / "products").glob("*.yml")
    packages = {name for file in files for name in re.findall(r"package:(\w+)/", file.read_text(encoding="utf-8"))}
    assert packages
    assert [name for name in packages if name.replace("_", "-") not in pinned] == []
