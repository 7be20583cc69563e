"""The demo's data and options, as train.sh makes them, in a folder of the benchmark."""

from __future__ import annotations

from pathlib import Path

from tests.endurance.workplace import REPOSITORY
from tools.preparation.demo.settings import DemoSettings
from tools.preparation.demo.write import is_demo_data, write_demo_data

OPTION_FILE = REPOSITORY / "options" / "demo.yml"


def demo_options(work: Path, num_items: int) -> tuple[Path, tuple[str, ...]]:
    """Make the demo's data in the folder unless it is there; return the option file and what leads it there."""
    folder = work / "datasets" / "demo"
    if not is_demo_data(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_demo_data(DemoSettings(folder, items=num_items))
    files = [
        f"data.{split}.{name}={folder}/{file}"
        for split in ("train", "val", "test")
        for name, file in (
            ("items", f"item_{split}_info.jsonl"),
            ("pairs", f"item_{split}_pair.jsonl"),
            ("images", "item_images"),
        )
    ]
    return OPTION_FILE, (*files, f"data.text.tokenizer={folder}/tokenizer")
