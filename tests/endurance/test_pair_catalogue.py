from pathlib import Path

from data.item_catalog import read_items
from data.item_pair import read_pairs
from tests.endurance.pair_catalogue import write_items, write_pairs


def test_the_pairs_name_every_item_and_half_are_the_same(tmp_path: Path) -> None:
    items, pairs = tmp_path / "items.jsonl", tmp_path / "pairs.jsonl"
    write_items(items, 50, seed=0)
    write_pairs(pairs, items, 50, 120, seed=0)
    catalog = read_items(items)
    table = read_pairs(pairs, catalog, labelled=True)
    assert len(catalog) == 50
    assert len(table) == 120
    assert table.same is not None
    assert table.same.sum() == 60
    assert {*table.source.tolist(), *table.target.tolist()} == {*range(50)}
    assert (table.source != table.target).all()
