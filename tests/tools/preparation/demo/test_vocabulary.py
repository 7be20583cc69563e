import pytest
from transformers import AutoTokenizer

from tools.preparation.demo.vocabulary import make_vocabulary, write_tokenizer

TEXTS = ["【热卖】云舟 Yunzhou Ｋ3-7 水杯;K3-7;500ml"] * 20 + ["尺码XL"] * 20 + ["Rare"]


@pytest.fixture
def tokenizer(tmp_path):
    write_tokenizer(make_vocabulary(TEXTS), tmp_path / "tokenizer")
    return AutoTokenizer.from_pretrained(str(tmp_path / "tokenizer"))


def test_transformers_opens_the_folder(tokenizer):
    assert tokenizer.cls_token_id == 2
    assert tokenizer.pad_token_id == 0
    assert tokenizer("水杯")["input_ids"][0] == 2
    assert len(tokenizer) == len(make_vocabulary(TEXTS))


def test_frequent_runs_of_letters_and_digits_are_whole_and_rare_ones_are_spelt_by_character(tokenizer):
    assert tokenizer.tokenize("云舟yunzhou k3-7 500ml") == ["云", "舟", "yunzhou", "k3", "-", "7", "500ml"]
    assert tokenizer.tokenize("xl") == ["xl"]
    assert tokenizer.tokenize("rare k8") == ["r", "##a", "##r", "##e", "k", "##8"]


def test_unseen_model_numbers_have_no_unknown_tokens(tokenizer):
    assert "[UNK]" not in tokenizer.tokenize("z9-0 qq88")


def test_special_tokens_come_first_and_no_token_twice():
    tokens = make_vocabulary(TEXTS)
    assert tokens[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(set(tokens)) == len(tokens)
