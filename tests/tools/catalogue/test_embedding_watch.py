import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.stop_request import StoppedError, StopRequest
from tests.tools.catalogue.test_embedding_folder import RECORD
from tools.catalogue import embedding_watch
from tools.catalogue.embedding_folder import EmbeddingFolder
from tools.catalogue.embedding_shard import EmbeddedItem
from tools.catalogue.embedding_watch import EmbeddingWatch


def write_shard(folder: Path, number: int) -> None:
    shard = EmbeddingFolder(folder, RECORD).shard(number)
    items = [EmbeddedItem(str(row), "") for row in shard.rows]
    shard.write(np.zeros((len(items), 5), np.float32), items, "", "")


def test_shards_that_are_there_are_counted_at_the_start_and_own_items_as_they_come(tmp_path: Path) -> None:
    write_shard(tmp_path, 2)
    with closing(EmbeddingWatch(EmbeddingFolder(tmp_path, RECORD), show=True)) as watch:
        assert (watch.missing, watch.num_items) == ([0, 1], 2)
        watch.add(3)
        watch.finish_shard(0)
        assert (watch.missing, watch.num_items) == ([1], 6)
        assert watch.progress() == f"6 of 10 items are kept in {tmp_path}"


def test_a_shard_of_fewer_items_than_it_should_have_is_missing(tmp_path: Path) -> None:
    write_shard(tmp_path, 2)
    with closing(EmbeddingWatch(EmbeddingFolder(tmp_path, replace(RECORD, num_items=11)), show=False)) as watch:
        assert watch.missing == [0, 1, 2]


def test_the_bar_counts_what_others_have_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embedding_watch, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with closing(EmbeddingWatch(EmbeddingFolder(tmp_path, RECORD), show=True)) as watch:
        watch.add(1)
        write_shard(tmp_path, 1)
        watch.add(2)
        assert watch.num_items == 4
    bar = capsys.readouterr().err
    assert "embed:  70%" in bar
    assert "7/10" in bar
    assert "item/s" in bar


class Clock:
    """Time that passes only while a process sleeps; a shard is written now and then."""

    def __init__(self, folder: Path, shards: dict[int, int]) -> None:
        self.now = 0.0
        self.folder = folder
        self.shards = shards

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for number, second in self.shards.items():
            if second <= self.now < second + seconds:
                write_shard(self.folder, number)


def test_a_process_waits_for_the_shards_of_others_and_tells_that_none_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embedding_watch, "time", Clock(tmp_path, {0: 100, 1: 500, 2: 1500}))
    watch = EmbeddingWatch(EmbeddingFolder(tmp_path, RECORD), show=True)
    watch.wait_for_others(StopRequest())
    assert watch.missing == []
    told = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(told) == 1
    assert told[0].startswith("no shard of another process has come for 10 minutes; missing: 2. If a machine is lost")


def test_a_process_that_waits_can_be_stopped(tmp_path: Path) -> None:
    stop = StopRequest()
    stop.made = True
    with pytest.raises(StoppedError, match="embed: 0 of 10 items are kept"):
        EmbeddingWatch(EmbeddingFolder(tmp_path, RECORD), show=True).wait_for_others(stop)
