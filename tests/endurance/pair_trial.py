"""Ten times the pairs of the same items take little more memory."""

from __future__ import annotations

import time
from pathlib import Path

from tqdm import tqdm

from tests.endurance.pair_catalogue import write_items, write_pairs, write_words
from tests.endurance.trial import TrialResult
from tests.endurance.workplace import REPOSITORY, Workplace

PAIRS_AN_ITEM = 20
LARGEST_RATIO = 1.5
"""Of the memory for all pairs to that for a tenth of them."""
MEBIBYTE = 1 << 20
NUM_TRAINED = 64
"""Items and pairs to train on, a single step."""
MODEL = (
    "model.image_encoder=null",
    "model.text_encoder.architecture.embedding_size=16",
    "model.text_encoder.architecture.hidden_size=16",
    "model.text_encoder.architecture.num_hidden_layers=1",
    "model.text_encoder.architecture.num_attention_heads=2",
    "model.text_encoder.architecture.intermediate_size=16",
    "model.embedding_width=8",
    "data.text.max_tokens=16",
    "data.workers=0",
    "train.steps=1",
    "evaluate.batch_size=512",
)


def pair_trial(place: Workplace, num_pairs: int, seed: int) -> list[TrialResult]:
    """Validate in training and predict, on all pairs and on a tenth of them; compare the peaks of memory."""
    folder = place.root / "pairs"
    folder.mkdir(exist_ok=True)
    _write_data(folder, num_pairs, seed)
    commands = {"train.py, validation": ("train.py",), "predict.py": ("predict.py", "predict.split=val")}
    with tqdm(total=2 * len(commands), desc="pairs", unit="command", disable=None) as bar:
        results = []
        for title, command in commands.items():
            started = time.perf_counter()
            peaks, faults = [], []
            for count in (num_pairs // 10, num_pairs):
                status, peak, last_words = _run(place, folder, count, command)
                peaks.append(peak)
                faults += [f"{title}, {count:,} pairs: status {status}: {last_words}"] if status else []
                bar.update()
            results.append(_result(title, num_pairs, peaks, faults, time.perf_counter() - started))
    return results


def _result(title: str, num_pairs: int, peaks: list[int], faults: list[str], seconds: float) -> TrialResult:
    fewer, all_ = peaks
    figure = f"{all_ / MEBIBYTE:,.0f} MiB, {all_ / fewer:.2f} x those of a tenth ({fewer / MEBIBYTE:,.0f})"
    if not faults and all_ > LARGEST_RATIO * fewer:
        faults = [f"{title}: {figure}; at most {LARGEST_RATIO} x is allowed"]
    return TrialResult("pairs", title, num_pairs, 0 if faults else num_pairs, figure, seconds, tuple(faults))


def _write_data(folder: Path, num_pairs: int, seed: int) -> None:
    num_items = max(1, num_pairs // PAIRS_AN_ITEM)
    write_words(folder / "tokenizer")
    write_items(folder / "train_items.jsonl", NUM_TRAINED, seed)
    write_pairs(folder / "train_pairs.jsonl", folder / "train_items.jsonl", NUM_TRAINED, NUM_TRAINED, seed)
    write_items(folder / "items.jsonl", num_items, seed)
    for count in (num_pairs // 10, num_pairs):
        write_pairs(folder / f"pairs_{count}.jsonl", folder / "items.jsonl", num_items, count, seed)


def _run(place: Workplace, folder: Path, count: int, command: tuple[str, ...]) -> tuple[int, int, str]:
    """Run a command on this many pairs; return its exit status, its most memory and its last words."""
    script, *overrides = command
    started = place.start(
        [REPOSITORY / script, REPOSITORY / "options/demo.yml", f"name=pairs_{count}", *MODEL, *overrides,
         f"data.text.tokenizer={folder}/tokenizer", f"data.train={_files(folder, 'train_items', 'train_pairs')}",
         f"data.val={_files(folder, 'items', f'pairs_{count}')}"]
    )  # fmt: skip
    status, peak = started.finish_measured()
    for submission in (place.root / "experiments" / f"pairs_{count}").glob("predictions/*.jsonl"):
        submission.unlink()
    return status, peak, started.last_words()


def _files(folder: Path, items: str, pairs: str) -> str:
    """Return the files of a split; nothing reads the images, since the model does without."""
    return f"{{items: '{folder}/{items}.jsonl', pairs: '{folder}/{pairs}.jsonl', images: '{folder}'}}"
