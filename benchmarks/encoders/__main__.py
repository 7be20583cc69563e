"""Try every encoder of timm and transformers, tiny and with random weights: right, or refused with the reason.

python -m benchmarks.encoders [--only text|timm|vision] [--names bert ...] [--onnx] [--two-processes] [--out FILE.json]
"""

import argparse
import json
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmarks.arguments import at_least_one, positive_number
from benchmarks.encoders.cases import KINDS, names_of
from benchmarks.encoders.rows import rows_of
from benchmarks.encoders.trial import Row
from options.table import aligned_rows

PACKAGES = ("torch", "timm", "transformers", "onnx", "onnxscript", "onnxruntime", "numpy")
HEADINGS = (
    "kind",
    "name",
    "outcome",
    "pooling",
    "width",
    "weights",
    "unused",
    "batch",
    "processes",
    "ONNX",
    "s",
    "said",
)


def main() -> None:
    """Parse the command line, try the encoders, print and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=KINDS, nargs="+", default=KINDS, help="kinds of encoders (all)")
    parser.add_argument("--names", nargs="+", help="types of transformers or models of timm (all)")
    parser.add_argument("--two-processes", action="store_true", help="compare their gradient with that of one")
    parser.add_argument("--onnx", action="store_true", help="export each and compare")
    parser.add_argument("--seconds", type=positive_number, default=300.0, help="that a row may take (%(default)s)")
    parser.add_argument("--at-once", type=at_least_one, default=1, help="rows that are tried at once (%(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file of the rows, with the versions")
    arguments = parser.parse_args()
    names = [(kind, name) for kind in arguments.only for name in names_of(kind)]
    if arguments.names is not None:
        names = [each for each in names if each[1] in arguments.names]
    record: dict[str, object] = {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }
    rows = []
    for row in rows_of(names, arguments.two_processes, arguments.onnx, arguments.seconds, arguments.at_once):
        rows.append(row)
        print(f"{len(rows)}/{len(names)} {row.kind} {row.name}: {row.outcome} {row.said[:200]}", flush=True)
        if arguments.out is not None:
            record["rows"] = [asdict(each) for each in rows]
            arguments.out.write_text(json.dumps(record, indent=1), encoding="utf-8")
    print(aligned_rows([HEADINGS, *map(_cells, rows)], left=(0, 1, 2, 3, 11), ruled=True))
    for kind in arguments.only:
        counts = Counter(row.outcome for row in rows if row.kind == kind)
        exported = sum(row.onnx is not None for row in rows if row.kind == kind)
        parts = [f"{count} {outcome}" for outcome, count in sorted(counts.items())]
        print(f"{kind}: {', '.join([*parts, f'{exported} as ONNX'])}")


def _cells(row: Row) -> Sequence[str]:
    figures = (row.in_a_batch, row.two_processes, row.onnx)
    return (
        row.kind,
        row.name,
        row.outcome,
        row.pooling or "",
        str(row.width),
        f"{row.weights:,}",
        str(row.unused),
        *("" if figure is None else f"{figure:.0e}" for figure in figures),
        f"{row.seconds:.0f}",
        (row.said or row.onnx_said).splitlines()[0][:150] if row.said or row.onnx_said else "",
    )


if __name__ == "__main__":
    main()
