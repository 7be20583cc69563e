"""What a catalogue of very many items costs: memory, time to load, and memory that loader processes do not share."""

import json
import multiprocessing
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from data.item_catalog import ItemCatalog, read_items
from scripts.endurance.peak_memory import peak_bytes

NUM_WORKERS = 2
ITEMS_AT_ONCE = 100_000
WORDS = ("北欧", "轻奢", "花瓶", "摆件", "客厅", "插花", "创意", "陶瓷", "家居", "装饰", "干花", "水养", "复古", "简约")
COLOURS = ("白色", "雾霾蓝", "墨绿", "浅灰")
TITLE_WORDS = 14


@dataclass(frozen=True, slots=True)
class CatalogueFigures:
    """Of one catalogue; memory in bytes."""

    num_items: int
    file_bytes: int
    resident_growth: int
    """Of the process that loads, while it holds the catalogue."""
    peak_growth: int
    """Of the same process at its most, on the way."""
    load_seconds: float
    load_processor_seconds: float
    private_growth: tuple[int, ...]
    """Of each forked process, over reading every item of its share."""
    read_seconds: float
    """Of the slowest forked process."""

    @property
    def items_per_second(self) -> float:
        """The rate of loading."""
        return self.num_items / self.load_seconds


def measure_catalogue(folder: Path, num_items: int) -> CatalogueFigures:
    """Write an item file into a folder, load it in a process of its own, and read all of it in two forked ones.

    Linux alone tells what is measured here. The file is deleted afterwards.
    """
    file = folder / "items.jsonl"
    try:
        _write_items(file, num_items)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(_measure, file).result()
    finally:
        file.unlink(missing_ok=True)


def _write_items(file: Path, num_items: int) -> None:
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


def _measure(file: Path) -> CatalogueFigures:
    resident, start, processor_start = _kilobytes("Rss"), time.perf_counter(), time.process_time()
    catalog = read_items(file)
    seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor_start
    shares = [_forked(catalog, range(worker, len(catalog), NUM_WORKERS)) for worker in range(NUM_WORKERS)]
    growth, read_seconds = zip(*(share.recv() for share in shares), strict=True)
    return CatalogueFigures(
        num_items=len(catalog),
        file_bytes=file.stat().st_size,
        resident_growth=1024 * (_kilobytes("Rss") - resident),
        peak_growth=peak_bytes() - 1024 * resident,
        load_seconds=seconds,
        load_processor_seconds=processor_seconds,
        private_growth=growth,
        read_seconds=max(read_seconds),
    )


def _forked(catalog: ItemCatalog, rows: range) -> Connection:
    """Start a process that reads some items, as loader processes do; it sends what that cost."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    context.Process(target=_read, args=(catalog, rows, sender), daemon=True).start()
    return receiver


def _read(catalog: ItemCatalog, rows: range, sender: Connection) -> None:
    private, start = _kilobytes("Private_Dirty"), time.perf_counter()
    characters = sum(len(catalog[row].title) for row in rows)
    assert characters > 0
    sender.send((1024 * (_kilobytes("Private_Dirty") - private), time.perf_counter() - start))


def _kilobytes(name: str) -> int:
    """Return a sum over this process's memory."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
