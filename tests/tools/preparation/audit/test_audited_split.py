from pathlib import Path

import numpy as np
import pytest

from data.tokenizer import Tokenizer
from tests.tiny_data import write_tokenizer
from tools.preparation.audit.audited_split import BLOCK, UNTRIMMED, TokenCounts, TokenLengths, token_findings
from tools.preparation.audit.finding import Severity


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer(str(write_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer")), UNTRIMMED)


def test_the_figures_are_those_of_counting_text_by_text(tokenizer: Tokenizer) -> None:
    generator = np.random.default_rng(0)
    num_known, num_unknown = generator.integers(0, 40, (2, 2 * BLOCK + 7))
    counted = TokenLengths(tokenizer, max_tokens=30)
    for known, unknown in zip(num_known, num_unknown, strict=True):
        counted.add("花" * known + "鑫" * unknown)
    counts = counted.counts()
    lengths = num_known + num_unknown + 2  # [CLS] and [SEP]
    assert counts is not None
    assert counts.median == np.median(lengths)
    assert counts.percentile_95 == np.percentile(lengths, 95)
    assert counts.longest == lengths.max()
    assert counts.share_texts_cut == pytest.approx(np.mean(lengths > 30))
    assert counts.share_tokens_cut == pytest.approx(sum(max(n - 30, 0) for n in lengths) / lengths.sum())
    assert counts.share_unknown == pytest.approx(num_unknown.sum() / lengths.sum())


def test_no_text_has_no_figures(tokenizer: Tokenizer) -> None:
    assert TokenLengths(tokenizer, 30).counts() is None


def test_a_text_of_just_the_longest_length_is_not_cut(tokenizer: Tokenizer) -> None:
    counted = TokenLengths(tokenizer, max_tokens=5)
    counted.add("花瓶红")
    counts = counted.counts()
    assert counts is not None
    assert (counts.longest, counts.share_texts_cut) == (5, 0)


@pytest.mark.parametrize(("unknown", "kinds"), [(0.1, []), (0.11, [("tokens-unknown", Severity.WARNING)])])
def test_many_unknown_tokens_are_a_warning(unknown: float, kinds: list[tuple[str, Severity]]) -> None:
    findings = token_findings("val", Path("items.jsonl"), TokenCounts(9, 9, 9, 0, 0, unknown), 30)
    assert [(finding.kind, finding.severity) for finding in findings] == kinds
