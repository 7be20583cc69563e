import numpy as np

from tests.tools.views.reporting.synthetic import invented_report
from tools.views.reporting.groups import Group, group_table

DATA = invented_report(num_pairs=60)
NAMES = [f"group {pair % 3 if pair < 50 else pair}" for pair in range(60)]


def test_each_group_has_the_figures_of_its_pairs_alone() -> None:
    table = group_table(DATA, NAMES, most=3)
    assert [group.name for group in table.groups] == ["group 0", "group 1", "group 2"]
    for number, group in enumerate(table.groups):
        rows = [pair for pair in range(50) if pair % 3 == number]
        decided, same = DATA.pairs.margin[rows] > 0.25, DATA.pairs.same[rows]
        assert group.figures.num_pairs == len(rows)
        assert group.num_wrongly_same == np.sum(decided & ~same)
        assert group.num_wrongly_different == np.sum(~decided & same)
        assert group.figures.accuracy == np.mean(decided == same)


def test_the_rest_is_taken_together_so_that_no_pair_is_lost() -> None:
    table = group_table(DATA, NAMES, most=3)
    assert isinstance(table.rest, Group)
    assert (table.num_in_rest, table.rest.figures.num_pairs) == (10, 10)
    assert group_table(DATA, NAMES, most=13).rest is None
