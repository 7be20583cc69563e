"""Generated data, audited and held against what the reference says has to be found."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from data import image_store, loading
from data.tokenizer import Tokenizer
from engine.experiment import ExperimentOptions
from tests.tools.preparation.audit.clean_data import KeptLog
from tests.tools.preparation.audit.generated_data import (
    SPLITS,
    GeneratedData,
    clean_data,
    slipped_data,
    write_pictures,
)
from tests.tools.preparation.audit.reference import Due, endings, unread_values
from tools.preparation.audit import audit, images
from tools.preparation.audit.audit import audit_data
from tools.preparation.audit.audited_split import UNTRIMMED
from tools.preparation.audit.finding import Finding, Severity


@dataclass
class Tally:
    """What was tried, and what the audit did not say."""

    num_sets: int = 0
    num_files: int = 0
    num_clean: int = 0
    """Sets without a slip."""
    num_ending: int = 0
    """Sets that end training or prediction."""
    num_unread: int = 0
    """Sets that state a value that nothing reads."""
    missed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AuditTrial:
    """A folder in which one data set after the other is written and audited."""

    folder: Path
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        write_pictures(self.folder)

    def try_on(self, clean: int, slipped: int, number: int = 0) -> Tally:
        """Audit so many generated sets, the same ones every time for the same number."""
        with quick():
            for strategy, count in ((clean_data(), clean), (slipped_data(), slipped)):
                draw_each(strategy, count, number, self.check)
        return self.tally

    def check(self, data: GeneratedData) -> None:
        """Audit a set; count it and what the audit should have reported and did not, or should not have and did."""
        options, log = self.audit(data)
        ends = [*endings(options)]
        unread = [*unread_values(options, cached_tokenizer(options.data.text.tokenizer, UNTRIMMED))]
        missed = [f"not found: {due}" for due in (*ends, *unread) if not any(tells(f, due) for f in log.findings)]
        missed += [f"false alarm: {finding}" for finding in log.findings if not data.slips]
        self.tally.num_sets += 1
        self.tally.num_files += 2 * len(data.items)
        self.tally.num_clean += not data.slips
        self.tally.num_ending += bool(ends)
        self.tally.num_unread += bool(unread)
        self.tally.missed += [f"{'+'.join(data.slips)}: {fault}" for fault in missed]

    def audit(self, data: GeneratedData) -> tuple[ExperimentOptions, KeptLog]:
        """Write a set and its option file, and audit it."""
        data.write(self.folder)
        tree = data.tree(self.folder)
        tree["data"] |= dict.fromkeys({*SPLITS} - {*data.items})
        file = self.folder / "options.yml"
        file.write_text(json.dumps(tree))
        options = ExperimentOptions.model_validate_json(file.read_text())
        log = KeptLog(io.StringIO())
        audit_data(options, log, images=True, processes=1)
        return options, log


def draw_each(
    strategy: SearchStrategy[GeneratedData], count: int, number: int, use: Callable[[GeneratedData], None]
) -> None:
    """Draw so many sets of a strategy, the same ones for the same number."""

    @seed(number)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=strategy)
    def draw(data: GeneratedData) -> None:
        use(data)

    draw()


def drawn_sets(count: int, number: int) -> list[GeneratedData]:
    """Return so many sets with slips."""
    sets: list[GeneratedData] = []
    draw_each(slipped_data(), count, number, sets.append)
    return sets[:count]


def tells(finding: Finding, due: Due) -> bool:
    """Tell whether a finding names the file and the line, or the item, of what is due."""
    if finding.severity < (Severity.FAULT if due.is_end else Severity.WARNING):
        return False
    if due.file is None:
        return due.item in finding.items if due.item is not None else finding.kind in due_kinds(due)
    if finding.file != due.file:
        return False
    if due.reason.startswith("key ") and finding.severity < Severity.FAULT:
        return due.reason in finding.message
    is_place = finding.line == due.line or due.item in finding.items
    return is_place or (finding.kind == "label-missing" and "item_label" in due.reason)


def due_kinds(due: Due) -> set[str]:
    """Return the kinds that stand for what training says without a file."""
    return {"overlap-item", "overlap-listing"} if "occur in data.train" in due.reason else {"file-missing"}


cached_tokenizer: Callable[[str, int], Tokenizer] = cache(Tokenizer)


def _at_once(work: Callable[[object], object], tasks: Iterable[object], **_: object) -> Iterator[tuple[object, object]]:
    return ((task, work(task)) for task in tasks)


@contextmanager
def quick() -> Iterator[None]:
    """Read tokenizers once, and pictures in this process: a hundredth of the time, and the same findings."""
    with (
        mock.patch.object(audit, "Tokenizer", cached_tokenizer),
        mock.patch.object(loading, "Tokenizer", cached_tokenizer),
        mock.patch.object(images, "run_isolated", _at_once),
        mock.patch.object(image_store, "read_image", cache(image_store.read_image)),
        mock.patch.object(images, "read_facts", cache(images.read_facts)),
    ):
        yield
