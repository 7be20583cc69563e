import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue

from engine.experiment import ExperimentOptions
from options.base import Options
from options.errors import UserError
from options.fault import dotted
from options.read import read_options, write_options
from options.yaml_values import parse_yaml_value, read_yaml_mapping
from tests.options.option_mutations import Mutation, mutations

FOLDER = Path(__file__).parents[2] / "options"
FILES = sorted(FOLDER.rglob("*.yml"))
WHOLE = [file for file in FILES if "base" not in read_yaml_mapping(file).values]
EVERY = int(os.environ.get("OPTION_MUTATIONS_EVERY", "11"))
"""Each file takes one mutation in so many, two or more of each key and others in each file; 1 takes all."""
FREE_MAPPINGS = (("model", "image_encoder", "arguments"), ("model", "text_encoder", "architecture"))
"""Mappings that are handed on to a library, whose keys are its own."""
NAMES_OF_THE_DATA = "model.agreement.in_title."
"""Of a mapping whose keys are names of attributes, not options."""
EQUALLY_LIKE = {"tet": "data.test"}
"""Misspelt keys that are as like another key that the file may lack."""


@pytest.mark.parametrize("shipped", FILES, ids=lambda file: file.name)
def test_every_shipped_file_is_read_and_is_written_out_whole(shipped: Path, tmp_path: Path) -> None:
    options = read_options(ExperimentOptions, shipped)
    assert options.name == "_".join(shipped.relative_to(FOLDER).with_suffix("").parts)
    written = tmp_path / "options.yml"
    written.write_text(write_options(options), encoding="utf-8")
    assert "base" not in read_yaml_mapping(written).values
    assert read_options(ExperimentOptions, written) == options


@pytest.mark.parametrize("shipped", WHOLE, ids=lambda file: file.name)
def test_any_single_mistake_in_a_shipped_file_is_read_as_it_stands_or_told_with_its_place(
    shipped: Path, tmp_path: Path
) -> None:
    original = read_options(ExperimentOptions, shipped)
    file = tmp_path / shipped.name
    found: list[tuple[Mutation, str]] = []
    counts = {"read": 0, "refused": 0}
    for number, mutation in enumerate(mutations(shipped.read_text(encoding="utf-8"))):
        if (number + WHOLE.index(shipped)) % EVERY:
            continue
        file.write_text(mutation.text, encoding="utf-8")
        try:
            options = read_options(ExperimentOptions, file)
        except UserError as error:
            counts["refused"] += 1
            problems = list(problems_of_message(str(error), file, mutation))
        else:
            counts["read"] += 1
            problems = list(problems_of_options(options, original, mutation))
        found += [(mutation._replace(text=""), problem) for problem in problems]
    assert not found
    assert counts["refused"] > 1000 / EVERY
    assert counts["read"] > 70 / EVERY


def problems_of_message(message: str, file: Path, mutation: Mutation) -> Iterator[str]:
    lines = message.splitlines()
    for line in lines if len(lines) == 1 else lines[1:]:
        if not re.match(rf" *{re.escape(str(file))}(:\d+)?: .+", line):
            yield f"names no place: {line}"
    path = dotted(mutation.path)
    match mutation.kind:
        case "misspelt" if f"did you mean {EQUALLY_LIKE.get(mutation.change)}?" in message:
            return
        case "misspelt" if path.startswith(NAMES_OF_THE_DATA) and f"did you mean {mutation.path[-1]}?" in message:
            pass
        case "misspelt" if f"did you mean {path}?" not in message and f"{path}: is missing" not in message:
            yield f"does not propose {path}: {message}"
        case "removed" if f"{path}: is missing" not in message and path.rpartition(".")[0] not in message:
            yield f"does not name {path}: {message}"
        case "doubled" if f"{path}: the key stands twice, on lines {mutation.line} and " not in message:
            yield f"does not name both lines: {message}"
        case "tab" if "a tab stands where spaces belong" not in message and ":" not in message:
            yield f"does not name the tab: {message}"
        case "value" if f"{file}:{mutation.line}" not in message and mutation.path[-1] not in message:
            yield f"does not name line or key: {message}"


def problems_of_options(options: Options, original: Options, mutation: Mutation) -> Iterator[str]:
    is_free = any(mutation.path[: len(free)] == free for free in FREE_MAPPINGS)
    values, expected = options.model_dump(mode="json"), original.model_dump(mode="json")
    match mutation.kind:
        case "misspelt" if not is_free:
            yield "a misspelt key is read"
        case "doubled" | "tab":
            yield "the file is read"
        case "removed" if not is_free:
            read, default = taken(values, mutation.path), default_at(options, mutation.path)
            taken(expected, mutation.path)
            if read != default or values != expected:
                yield f"is {read} and not the default {default}, or another value changed"
        case "value":
            read, written = taken(values, mutation.path), parse_yaml_value(mutation.change)
            taken(expected, mutation.path)
            rounded = float(written) if isinstance(read, float) and isinstance(written, int) else written
            if read != rounded or isinstance(read, bool) != isinstance(written, bool) or values != expected:
                yield f"is read as {read}, or another value changed"


def taken(values: JsonValue, path: tuple[str, ...]) -> JsonValue:
    """Take the value at a path out of the values and return it."""
    for part in path[:-1]:
        assert isinstance(values, dict)
        values = values[part]
    assert isinstance(values, dict)
    return values.pop(path[-1], None)


def default_at(options: Options, path: tuple[str, ...]) -> JsonValue:
    for part in path[:-1]:
        options = getattr(options, part)
    field = type(options).model_fields[path[-1]]
    section = type(options).model_construct(**{path[-1]: field.get_default(call_default_factory=False)})
    default: JsonValue = section.model_dump(mode="json", include={path[-1]}, warnings=False)[path[-1]]
    return default


@pytest.mark.parametrize("shipped", FILES, ids=lambda file: file.name)
def test_embeddings_of_shipped_files_have_no_more_numbers_than_the_task_allows(shipped: Path) -> None:
    model = read_options(ExperimentOptions, shipped).model
    num_numbers = model.embedding_width * (2 if model.threshold_branch else 1)
    if model.agreement is not None:
        num_numbers += len(model.agreement.attributes) * (1 + model.agreement.codes)
    assert num_numbers <= 1024
