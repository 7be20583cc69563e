"""What a catalogue of very many items costs: time to load, memory, and memory that loader processes do not share."""

from __future__ import annotations

import json
import multiprocessing
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.speed.bench import Bench
from benchmarks.speed.record import BenchmarkRow, Limit
from benchmarks.speed.sides import Work, timed
from data.item_catalog import ItemCatalog, read_items
from tests.endurance.peak_memory import peak_bytes

ON_LINUX = sys.platform == "linux"
MOST_ITEMS = 10_000_000
NUM_WORKERS = 2
ITEMS_AT_ONCE = 100_000
WORDS = ("北欧", "轻奢", "花瓶", "摆件", "客厅", "插花", "创意", "陶瓷", "家居", "装饰", "干花", "水养", "复古", "简约")
COLOURS = ("白色", "雾霾蓝", "墨绿", "浅灰")
TITLE_WORDS = 14


@dataclass(frozen=True, slots=True)
class CatalogueFigures:
    """Of one catalogue; memory in bytes."""

    resident_growth: int
    """Of the process that loads, while it holds the catalogue."""
    peak_growth: int
    """Of the same process at its most, on the way."""
    private_growth: tuple[int, ...]
    """Of each forked process, over reading every item of its share."""


def measure_catalogue(bench: Bench) -> list[BenchmarkRow]:
    """Measure reading an item file of invented records, 10 million of them at full scale."""
    count = bench.settings.scaled(MOST_ITEMS, 1_000)
    file = bench.settings.work / "catalogue.jsonl"
    write_invented_items(file, count)
    sides = bench.measured({"ours": partial(our_reading, file), "plain": partial(plain_reading, file)}, "catalogue")
    size = file.stat().st_size
    limit = Limit("reading the file from the disk", size / bench.disk_reading())
    details = _details(bench.child(partial(catalogue_figures, file), "catalogue"), size) if ON_LINUX else ()
    file.unlink()
    return [
        BenchmarkRow(
            "catalogue",
            f"{count:,} items read, checked and kept, {size / 1e6:,.0f} MB of JSON lines",
            "items",
            count,
            sides["ours"].timing,
            "json.loads of every line, kept as dictionaries in a list; nothing checked",
            sides["plain"].timing,
            limit,
            details=details,
        )
    ]


def our_reading(file: Path) -> Work:
    """Return a round of data.item_catalog."""
    return lambda: timed(lambda: read_items(file))


def plain_reading(file: Path) -> Work:
    """Return a round of the reference."""

    def read() -> list[object]:
        with file.open(encoding="utf-8") as stream:
            return [json.loads(line) for line in stream]

    return lambda: timed(read)


def catalogue_figures(file: Path) -> CatalogueFigures:
    """Read an item file in this process, and all its items in forked ones. Linux alone tells what is measured."""
    resident = _kilobytes("Rss")
    catalog = read_items(file)
    shares = [_forked(catalog, range(worker, len(catalog), NUM_WORKERS)) for worker in range(NUM_WORKERS)]
    return CatalogueFigures(
        private_growth=tuple(share.recv() for share in shares),
        resident_growth=1024 * (_kilobytes("Rss") - resident),
        peak_growth=peak_bytes() - 1024 * resident,
    )


def _details(figures: CatalogueFigures, file_bytes: int) -> tuple[str, ...]:
    private = " and ".join(f"{growth / 1e6:.2f}" for growth in figures.private_growth)
    return (
        f"memory for the catalogue: {figures.resident_growth / file_bytes:.2f} of the file's size, at its peak "
        f"{figures.peak_growth / file_bytes:.2f}",
        f"memory that each of {NUM_WORKERS} loader processes does not share after reading every item: {private} MB",
    )


def write_invented_items(file: Path, num_items: int) -> None:
    """Write an item file."""
    with file.open("w", encoding="utf-8") as stream:
        for first in range(0, num_items, ITEMS_AT_ONCE):
            stream.writelines(_lines(range(first, min(first + ITEMS_AT_ONCE, num_items))))


def _lines(numbers: range) -> Iterator[str]:
    chance = np.random.default_rng(numbers.start)
    titles = np.array(WORDS)[chance.integers(len(WORDS), size=(len(numbers), TITLE_WORDS))].tolist()
    for number, words in zip(numbers, titles, strict=True):
        record = {
            "item_id": f"{10**12 + number}",
            "cate_name": "花瓶",
            "item_image_name": f"{10**12 + number}.jpg",
            "title": "".join(words),
            "item_pvs": f"#品牌#:#{words[0]}#;#型号#:#XK-{number % 9973}#;#材质#:#{words[1]}#;",
            "sku_pvs": f"#颜色分类#:#{COLOURS[number % len(COLOURS)]}#;",
        }
        yield json.dumps(record, ensure_ascii=False) + "\n"


def _forked(catalog: ItemCatalog, rows: range) -> Connection:
    """Start a process that reads some items, as loader processes do; it sends how much memory it got for itself."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    context.Process(target=_read, args=(catalog, rows, sender), daemon=True).start()
    return receiver


def _read(catalog: ItemCatalog, rows: range, sender: Connection) -> None:
    private = _kilobytes("Private_Dirty")
    characters = sum(len(catalog[row].title) for row in rows)
    assert characters > 0
    sender.send(1024 * (_kilobytes("Private_Dirty") - private))


def _kilobytes(name: str) -> int:
    """Return a sum over this process's memory."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
