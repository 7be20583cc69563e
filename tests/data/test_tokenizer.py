import re
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from data.tokenizer import Tokenizer
from options.errors import UserError
from tests.tiny_data import SPECIAL_TOKENS, write_tokenizer

PAD, UNKNOWN, CLS, SEP, _ = range(len(SPECIAL_TOKENS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer")


def test_a_text_becomes_the_ids_of_its_pieces_between_cls_and_sep(folder: Path) -> None:
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    tokenizer = Tokenizer(str(folder), 20)
    ids = tokenizer(["花瓶 X1", "", "鑫"])
    assert [vocabulary[i] for i in ids[0]] == ["[CLS]", "花", "瓶", "x", "##1", "[SEP]"]
    assert ids[1:] == [[CLS, SEP], [CLS, UNKNOWN, SEP]]
    assert len(tokenizer) == len(vocabulary)
    assert tokenizer.padding_id == PAD
    assert tokenizer.unknown_id == UNKNOWN


def test_a_long_text_is_cut_and_keeps_its_end_mark(folder: Path) -> None:
    (ids,) = Tokenizer(str(folder), 5)(["花" * 100])
    assert len(ids) == 5
    assert (ids[0], ids[-1]) == (CLS, SEP)
    assert SEP not in ids[1:-1]


def test_a_text_of_just_the_longest_length_is_not_cut(folder: Path) -> None:
    (whole,) = Tokenizer(str(folder), 100)(["花瓶红"])
    assert Tokenizer(str(folder), 5)(["花瓶红"]) == [whole]


@pytest.mark.parametrize("name", ["no/such-tokenizer", "empty-folder"])
def test_a_tokenizer_that_is_not_there_is_one_error_that_says_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty-folder").mkdir()
    with pytest.raises(UserError, match=f"^data.text.tokenizer: no tokenizer '{name}': .*Download"):
        Tokenizer(name, 20)


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(UserError, match=r"^data\.text\.tokenizer: .*-m pip install no-such-package`"):
        Tokenizer("package:no_such_package/model", 20)


DAMAGES: dict[str, tuple[dict[str, str], str]] = {
    "field of another type": ({"config.json": '{"model_type": "bert", "hidden_size": "x"}'}, "hidden_size"),
    "cut off": ({"tokenizer_config.json": '{"tokenizer_class": "Ber'}, "JSONDecodeError"),
    "cut off for the fast class": (
        {"tokenizer_config.json": '{"tokenizer_class": "PreTrainedTokenizerFast"}', "tokenizer.json": '{"added_tok'},
        "EOF|Unterminated",
    ),
    "of other fields": ({"tokenizer.json": "{}"}, "added_tokens"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_folder_that_is_damaged_is_named_with_the_reason(damage: str, tmp_path: Path) -> None:
    files, reason = DAMAGES[damage]
    folder = write_tokenizer(tmp_path / "damaged")
    for name, content in files.items():
        (folder / name).write_text(content)
    start = rf"^data\.text\.tokenizer: no tokenizer '{re.escape(str(folder))}': the folder"
    with pytest.raises(UserError, match=f"{start} .*({reason})"):
        Tokenizer(str(folder), 20)


def test_bytes_that_are_no_text_are_a_damaged_vocabulary(tmp_path: Path) -> None:
    folder = write_tokenizer(tmp_path / "damaged")
    (folder / "vocab.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"^data\.text\.tokenizer: no tokenizer .*UTF-8"):
        Tokenizer(str(folder), 20)


def test_a_tokenizer_without_a_padding_token_is_refused(folder: Path, tmp_path: Path) -> None:
    Tokenizer(str(folder), 20).save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    with pytest.raises(UserError, match=r"^data\.text\.tokenizer: .* has no padding token, .* pad_token in its"):
        Tokenizer(str(tmp_path), 20)


WORDS = st.sampled_from(
    [*"花瓶ab!，。-[]#'1é가 \t\u3000\u0301\u0323\u200b\x07😀ก", "[SEP]", "[MASK]", "x" * 120, " ", "\ufffd"]
)


@given(words=st.lists(WORDS, max_size=200), character=WORDS, max_tokens=st.integers(3, 8))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_start_of_a_long_text_has_the_tokens_of_the_whole_text(
    folder: Path, words: list[str], character: str, max_tokens: int
) -> None:
    tokenizer = tokenizers(folder, max_tokens)
    text = "".join(words) + character * 300
    whole = AutoTokenizer.from_pretrained(str(folder)) if max_tokens not in WHOLE else WHOLE[max_tokens]
    WHOLE[max_tokens] = whole
    expected = whole([text], truncation=True, max_length=max_tokens)["input_ids"]
    assert tokenizer([text]) == [list(ids) for ids in expected]


WHOLE: dict[int, Any] = {}


@cache
def tokenizers(folder: Path, max_tokens: int) -> Tokenizer:
    return Tokenizer(str(folder), max_tokens)


@pytest.mark.parametrize("text", ["花瓶" * 2_500_000, "red vase " * 550_000, "，" * 5_000_000])
def test_megabytes_of_text_take_no_seconds(folder: Path, text: str) -> None:
    tokenizer = Tokenizer(str(folder), 140)
    start = time.process_time()
    assert len(tokenizer([text])[0]) == 140
    assert time.process_time() - start < 0.5
