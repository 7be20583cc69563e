"""The page's files are there, and the way of an item is as short as it says."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def test_every_file_that_it_names_exists() -> None:
    files = set(re.findall(r"`((?:options|data|models|losses|engine|tools|scripts)/[a-z_/]+\.py)`", PAGE))
    assert len(files) > 30
    assert [file for file in sorted(files) if not (ROOT / file).is_file()] == []


def test_the_way_of_an_item_passes_twenty_files_at_most() -> None:
    section = PAGE.split("## The way of an item")[1].split("\n## ")[0]
    assert 15 <= len(re.findall(r"^\d+\. `", section, re.MULTILINE)) <= 20


def test_every_room_of_the_tools_is_described() -> None:
    rooms = {folder.name for folder in (ROOT / "tools").iterdir() if folder.is_dir() and folder.name != "__pycache__"}
    assert rooms == set(re.findall(r"`([a-z]+)/`", PAGE.split("## Rooms of `tools/`")[1]))
