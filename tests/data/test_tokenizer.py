from pathlib import Path

import pytest

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
