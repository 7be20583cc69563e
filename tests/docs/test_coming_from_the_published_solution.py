"""The page's options, overrides and files are those of the project."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from engine.experiment import ExperimentOptions
from options.read import read_options

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/coming_from_the_published_solution.md").read_text(encoding="utf-8")
PUBLISHED = [
    "name",
    "model_type",
    "manual_seed",
    "cudnn_deterministic",
    "common.bert",
    "common.vit",
    "common.fp16",
    "datasets.train.*",
    "datasets.val.*",
    "datasets.test.*",
    "datasets.*.name",
    "datasets.*.type",
    "datasets.*.image_dir",
    "datasets.*.pair_path",
    "datasets.*.info_path",
    "datasets.*.tokenizer",
    "datasets.*.max_len",
    "datasets.train.batch_size_per_gpu",
    "datasets.*.num_worker_per_gpu",
    "datasets.*.pin_memory",
    "network.type",
    "path.pretrain_network",
    "path.strict_load",
    "train.optim.type",
    "train.scheduler.type",
    "train.scheduler.periods",
    "train.scheduler.eta_min",
    "train.total_iter",
    "train.warmup_iter",
    "train.grad_clip_norm",
    "val.iters",
    "test.iters",
    "logger.print_freq",
    "logger.save_checkpoint_freq",
    "logger.wandb",
    "find_unused_parameters",
    "deepspeed.fp16.enabled",
]


def table() -> list[list[str]]:
    """The rows of the table of options: what stands there, what stands here."""
    section = PAGE.split("\n## Options\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def fields(kind: type[BaseModel]) -> Iterator[tuple[str, object]]:
    for name, field in kind.model_fields.items():
        yield name, field.annotation


def sections(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from sections(argument)


def exists(key: str) -> bool:
    kinds: list[type[BaseModel]] = [ExperimentOptions]
    for name in key.split("."):
        found = [annotation for kind in kinds for own, annotation in fields(kind) if own == name]
        if not found:
            return False
        kinds = [kind for annotation in found for kind in sections(annotation)]
    return True


@pytest.mark.parametrize("key", PUBLISHED)
def test_every_published_key_has_a_row(key: str) -> None:
    assert any(f"`{key}`" in row[0] for row in table())


def test_every_key_of_ours_is_an_option() -> None:
    keys = [key for row in table() for key in re.findall(r"`([a-z_.]+)`", row[1])]
    values = {"float16", "bfloat16"}
    assert len(keys) > 30
    assert [key for key in keys if key not in values and not re.match(r"[a-z]+\d", key) and not exists(key)] == []


def test_the_overrides_of_the_examples_are_taken() -> None:
    commands = re.findall(r"^bash (?:train|predict)\.sh (options/\S+\.yml)((?: .*\\\n| .*)+)", PAGE, re.MULTILINE)
    assert len(commands) == 2
    for file, rest in commands:
        overrides = re.findall(r"[a-z_.]+=\S+", rest)
        assert overrides
        read_options(ExperimentOptions, ROOT / file, overrides)
    inline = re.findall(r"`((?:train|model|predict|data)\.[a-z_.]+=[^`]+)`", PAGE)
    assert len(inline) >= 4
    read_options(ExperimentOptions, ROOT / "options/63_grad_clip_norm_0.5.yml", inline)


def test_every_file_that_it_names_exists() -> None:
    ours = set(re.findall(r"(?:tests|options)/[a-z_/0-9.A-Z]+\.(?:py|yml|md)", PAGE))
    ours |= set(re.findall(r"(?:bash|python) (scripts/[a-z_]+\.(?:py|sh))", PAGE))
    assert len(ours) >= 5
    assert [file for file in sorted(ours) if not (ROOT / file).is_file()] == []
