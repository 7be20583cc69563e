"""Estimates as a table for a page."""

from collections.abc import Callable, Sequence

from benchmarks.scale.estimate import Estimate

Cell = Callable[[Estimate], str]


def markdown_table(estimates: Sequence[Estimate]) -> str:
    """Return a column for each estimate."""
    head = ["items", *(f"{each.layout.num_items:.0e}".replace("e+0", "0^") for each in estimates)]
    lines = [head, ["---", *["---:"] * len(estimates)]]
    lines += [[name, *(cell(each) for each in estimates)] for name, cell in ROWS.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _three_digits(number: float) -> str:
    if number >= 100:
        return f"{float(f'{number:.2e}'):,.0f}"
    return f"{number:.3g}"


def _bytes(number: float) -> str:
    unit, name = next((unit, name) for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")) if number >= unit)
    return f"{_three_digits(number / unit)} {name}"


ROWS: dict[str, Cell] = {
    "GPU hours of encoding (A100, assumed rate)": lambda each: _three_digits(each.gpu_hours),
    "core hours of decoding pictures": lambda each: _three_digits(each.decoding_core_hours),
    "hours of encoding on two cores, no GPU": lambda each: _three_digits(each.cpu_hours),
    "images": lambda each: _bytes(each.images_bytes),
    "embeddings, float16": lambda each: _bytes(each.embeddings_bytes),
    "memory of the item file, in each process": lambda each: _bytes(each.item_file_bytes),
    "index": lambda each: f"{each.layout.shards} x {each.layout.kind}",
    "lists of each": lambda each: f"{each.lists:,}",
    "memory of each": lambda each: _bytes(each.shard_bytes),
    "core hours of building": lambda each: _three_digits(each.build_core_hours),
    "core seconds of a query": lambda each: _three_digits(each.query_core_seconds),
    "core hours of all pairs": lambda each: _three_digits(each.pairs_core_hours),
}
