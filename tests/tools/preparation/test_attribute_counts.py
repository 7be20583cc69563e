import json
from pathlib import Path

import pytest

from options.errors import UserError
from tools.preparation.attribute_counts import count_attributes, most_frequent


def test_items_are_counted_once_for_each_name_over_all_files(tmp_path: Path) -> None:
    items = [
        {"item_pvs": "#品牌#:#a#;#品牌#:#b#;", "sku_pvs": "#品牌#:#c#;#尺码#:#L#"},
        {"item_pvs": "#品牌#:#d#;"},
        {"item_pvs": None, "sku_pvs": ""},
        {"sku_pvs": "#型号#:#x#;"},
    ]
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        file.write_text("".join(json.dumps(item) + "\n" for item in items))
    counts, num_items = count_attributes(files)
    assert num_items == 8
    assert counts == {"品牌": 4, "尺码": 2, "型号": 2}
    assert most_frequent(counts, 2) == [("品牌", 4), ("型号", 2)]


def test_items_without_any_attribute_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"item_id": "1"}\n')
    with pytest.raises(UserError, match=r"a\.jsonl: no item has any attribute"):
        count_attributes([tmp_path / "a.jsonl"])
