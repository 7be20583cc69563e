"""Item and pair files with every kind of slip, audited and held against what training does with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from tests.endurance.trial import TrialResult
from tests.endurance.workplace import REPOSITORY, Workplace

FILES_A_SET = 4
"""Two of a split at least, and two splits."""
CLEAN_SHARE = 5
"""One set of so many has no slip."""
NUM_COMMANDS = 5
"""Sets that the command is tried on as well."""


def audit_trial(place: Workplace, num_files: int, seed: int) -> list[TrialResult]:
    """Audit `num_files` files or more, some by the command in a process of its own."""
    # They import torch, which takes seconds that the other trials need not wait for.
    from tests.tools.preparation.audit.trial import AuditTrial, drawn_sets

    folder = place.root / "audit"
    folder.mkdir(exist_ok=True)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    started = time.perf_counter()
    num_sets = -(-num_files // FILES_A_SET)
    trial = AuditTrial(folder)
    tally = trial.try_on(clean=num_sets // CLEAN_SHARE, slipped=num_sets - num_sets // CLEAN_SHARE, number=seed)
    figure = (
        f"{tally.num_sets:,} sets: {tally.num_ending:,} end training, {tally.num_unread:,} state what nothing reads, "
        f"{tally.num_clean:,} clean; missed {len(tally.missed)}"
    )
    results = [
        TrialResult(
            trial="audit",
            action="item and pair files audited",
            count=tally.num_files,
            passed=tally.num_files - min(len(tally.missed), tally.num_files),
            figure=figure,
            seconds=time.perf_counter() - started,
            faults=tuple(tally.missed),
        )
    ]
    started = time.perf_counter()
    faults = []
    for number, data in enumerate(drawn_sets(NUM_COMMANDS, seed)):
        _, log = trial.audit(data)
        details = folder / f"found_{number}.jsonl"
        ended = subprocess.run(
            [sys.executable, "-m", "scripts", "data", "audit", folder / "options.yml", "--details", details],
            cwd=REPOSITORY, capture_output=True, text=True,
        )  # fmt: skip
        said = [json.loads(line)["kind"] for line in details.read_text().splitlines()] if details.exists() else None
        if (ended.returncode, said) != (log.worst, [finding.kind for finding in log.findings]):
            faults.append(f"set {number}: status {ended.returncode}, said {said}: {ended.stderr[-300:]}")
    done = NUM_COMMANDS - len(faults)
    figure = "status and findings are those of the library"
    seconds = time.perf_counter() - started
    results.append(TrialResult("audit", "bash run.sh data audit", NUM_COMMANDS, done, figure, seconds, tuple(faults)))
    return results
