import json

import numpy as np

from tests.tools.views.reporting.synthetic import HOSTILE, invented_item, invented_report
from tools.views.reporting.gallery import choose_gallery
from tools.views.reporting.pair_records import pair_records, rounded, script_json


def test_the_json_reads_back_and_no_text_in_it_can_end_the_script_element() -> None:
    data = invented_report(item=lambda row: invented_item(row, HOSTILE))
    records = pair_records(data, choose_gallery(data, 4), {})
    text = script_json(records)
    assert not {*"<>&"} & {*text}
    assert json.loads(text)["items"]["title"][0] == HOSTILE


def test_every_pair_has_its_label_its_decision_and_its_scores() -> None:
    data = invented_report(kinds=tuple("ab"[pair % 2] for pair in range(80)))
    records = json.loads(script_json(pair_records(data, choose_gallery(data, 4), {0: "data:,"})))
    pairs = records["pairs"]
    assert [label == "1" for label in pairs["same"]] == data.pairs.same.tolist()
    assert [label == "1" for label in pairs["decided"]] == (data.pairs.margin > 0.25).tolist()
    np.testing.assert_allclose(pairs["match"], data.pairs.match, rtol=1e-4)
    np.testing.assert_allclose(pairs["margin"], data.pairs.margin, rtol=1e-4)
    assert [records["kinds"][kind] for kind in pairs["kind"]] == list(data.pairs.kinds or ())
    categories = [records["categories"][place] for place in records["items"]["category"]]
    assert categories == [item.category for item in data.catalog]
    assert records["pictures"] == {"0": "data:,"}


def test_every_pair_of_a_group_has_a_card() -> None:
    data = invented_report()
    records = pair_records(data, choose_gallery(data, 4), {})
    groups, cards = records["groups"], records["cards"]
    assert isinstance(groups, dict)
    assert isinstance(cards, dict)
    assert {str(row) for rows in groups.values() for row in rows} == set(cards)


def test_scores_keep_five_digits() -> None:
    assert rounded(np.array([1.2345678, -123456.7, 1e-9])) == [1.2346, -123460.0, 1e-9]
