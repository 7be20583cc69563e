"""What was measured, kept and shown."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks.index.measure import KindFigures
from engine.run_folder import write_text
from options.table import aligned_rows

HEADINGS = ("kind", "lists", "build s", "index GB", "peak GB", "probes", "recall@10", "queries/s", "x exact")


def figures_table(figures: Iterable[KindFigures]) -> str:
    """Return a line for each kind and number of probes; the first kind is the exact search."""
    rows = [HEADINGS]
    exact = None
    for kind in figures:
        for search in kind.searches:
            exact = exact or search.queries_per_second
            rows.append(
                (
                    kind.kind,
                    f"{kind.lists:,}" if kind.lists else "",
                    f"{kind.build_seconds:,.0f}",
                    f"{kind.index_bytes / 1e9:.2f}",
                    f"{kind.peak_bytes / 1e9:.2f}",
                    str(search.probes or ""),
                    f"{search.recall:.3f}",
                    f"{search.queries_per_second:,.0f}",
                    f"{search.queries_per_second / exact:.1f}",
                )
            )
    return aligned_rows(rows, ruled=True)


def write_record(file: Path, setting: Mapping[str, object], figures: Iterable[KindFigures]) -> None:
    """Write all figures as JSON."""
    content = {**setting, "kinds": [asdict(kind) for kind in figures]}
    write_text(file, json.dumps(content, indent=2) + "\n")
