from pathlib import Path

import numpy as np
import pytest

from tests.tools.preparation.audit.clean_data import CleanData, item, make_clean_data, pair
from tools.preparation.audit.audited_split import BLOCK


@pytest.fixture
def clean(tmp_path: Path) -> CleanData:
    return make_clean_data(tmp_path)


def test_tokens_are_those_of_counting_text_by_text(clean: CleanData) -> None:
    generator = np.random.default_rng(0)
    num_known, num_unknown = generator.integers(1, 20, (2, 2 * BLOCK + 7)).tolist()
    drawn = list(zip(num_known, num_unknown, strict=True))
    clean.items["train"] = [
        item(f"{number}", title="花" * known + "鑫" * unknown, item_pvs="", sku_pvs="")
        for number, (known, unknown) in enumerate(drawn)
    ]
    clean.pairs["train"] = [pair(f"{number}", f"{number + 1}", "0") for number in range(len(drawn) - 1)]
    split = clean.audit(images=False)[0].splits[0]
    assert split.token_lengths.tolist() == [known + unknown + 2 for known, unknown in drawn]  # [CLS] and [SEP]
    assert split.num_unknown == sum(num_unknown)


@pytest.mark.parametrize(("num_signs", "expected"), [(22, []), (23, ["text-cut"])])
def test_a_text_of_just_the_longest_length_is_not_cut(clean: CleanData, num_signs: int, expected: list[str]) -> None:
    clean.item("a").update(title="花" * num_signs, item_pvs="", sku_pvs="")
    findings = [finding for finding in clean.audit(images=False)[1].findings if finding.kind != "item-no-attributes"]
    assert [finding.kind for finding in findings] == expected
    assert all("25 tokens, of which data.text.max_tokens=24 are read" in finding.message for finding in findings)


@pytest.mark.parametrize(("num_known", "expected"), [(9, []), (8, ["tokens-unknown"])])
def test_more_than_a_tenth_of_unknown_tokens_is_a_warning(
    clean: CleanData, num_known: int, expected: list[str]
) -> None:
    clean.items["val"] = [item(name, item_pvs="#型号#:#x#;", sku_pvs="") for name in "ijklmnop"]
    for record in clean.items["val"]:  # [CLS] ... id 鑫 ; x [SEP]
        record["title"] = "瓶" * (num_known - 5) + f"{record['item_id']}鑫"
    assert [finding.kind for finding in clean.audit(images=False)[1].findings] == expected
