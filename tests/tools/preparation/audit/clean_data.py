"""Three small splits without anything to find, to be changed and audited."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.experiment import ExperimentOptions
from tests.tiny_data import SPLITS, option_tree, write_tokenizer
from tools.preparation.audit.audit import Audit, audit_data
from tools.preparation.audit.finding import Finding, FindingLog

LETTERS = {"train": "abcdefgh", "val": "ijklmnop", "test": "qrstuvwx"}
"""The item ids of each split; the first two are one product, the next two another, and so on."""

Line = dict[str, Any] | bytes
"""A record, or a line as it stands."""


class KeptLog(FindingLog):
    """Keeps the findings as well."""

    def __init__(self, details: io.StringIO) -> None:
        super().__init__(details)
        self.details = details
        self.findings: list[Finding] = []

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)
        super().add(finding)

    def of_kind(self, kind: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind == kind]


@dataclass
class CleanData:
    """Lines to change before they are written; the images are written already."""

    folder: Path
    tree: dict[str, Any]
    """The option file."""
    items: dict[str, list[Any]] = field(default_factory=dict)
    pairs: dict[str, list[Any]] = field(default_factory=dict)

    def item(self, item_id: str) -> dict[str, Any]:
        """Return the record of an item."""
        records = (record for split in SPLITS for record in self.items[split])
        return next(record for record in records if record["item_id"] == item_id)

    def image(self, item_id: str) -> Path:
        return self.folder / "images" / f"{item_id}.png"

    def write(self) -> None:
        for split in SPLITS:
            _write(self.folder / f"item_{split}_info.jsonl", self.items[split])
            _write(self.folder / f"item_{split}_pair.jsonl", self.pairs[split])

    def options(self) -> ExperimentOptions:
        return ExperimentOptions.model_validate_json(json.dumps(self.tree))

    def audit(self, *, images: bool = True) -> tuple[Audit, KeptLog]:
        """Write, and audit with one worker process."""
        self.write()
        log = KeptLog(io.StringIO())
        return audit_data(self.options(), log, images=images, processes=1), log


def make_clean_data(folder: Path) -> CleanData:
    """Write a data set in which there is nothing to find."""
    data = CleanData(folder, option_tree(folder))
    write_tokenizer(folder / "tokenizer")
    (folder / "images").mkdir()
    for split, names in LETTERS.items():
        data.items[split] = [item(name) for name in names]
        data.pairs[split] = [pair(names[n], names[n + 1], "1") for n in (0, 2, 4, 6)]
        data.pairs[split] += [pair(names[n], names[m], "0") for n, m in ((0, 2), (0, 4), (0, 6), (3, 6))]
        for name in names:
            noise_picture(ord(name), 24, 20).save(data.image(name))
    data.write()
    return data


def item(name: str, **changes: object) -> dict[str, Any]:
    """Return the record of an item."""
    record = {"item_id": name, "cate_name": "花瓶", "item_image_name": f"{name}.png", "title": f"花瓶 {name}"}
    return record | {"item_pvs": f"#品牌#:#{name}#;#型号#:#x-{name}1#;", "sku_pvs": "#颜色分类#:#红#"} | changes


def pair(source: str, target: str, label: str | None) -> dict[str, Any]:
    """Return the record of a pair."""
    return {"src_item_id": source, "tgt_item_id": target} | ({} if label is None else {"item_label": label})


def noise_picture(seed: int, width: int, height: int) -> Image.Image:
    """Return a picture of random colours."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def encoded(record: object) -> bytes:
    """Return a record as a line without its end; half characters are escaped."""
    try:
        return json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(record).encode()


def _write(file: Path, lines: list[Line]) -> None:
    file.write_bytes(b"".join((line if isinstance(line, bytes) else encoded(line)) + b"\n" for line in lines))
