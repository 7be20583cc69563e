import pytest

from options.errors import UserError
from tools.catalogue.index_plan import KINDS, KindName, num_codes, plan_index


@pytest.mark.parametrize(
    ("num_items", "most_bytes", "kind"),
    [(20_000, 8e9, "flat"), (1_000_000, 8e9, "ivf_fp16"), (1_000_000, 1.5e9, "ivf_sq8"), (10_000_000, 8e9, "ivf_pq")],
)
def test_auto_takes_the_most_exact_kind_that_fits(num_items: int, most_bytes: float, kind: KindName) -> None:
    plan = plan_index("auto", num_items, 1024, most_bytes)
    assert plan.kind == kind
    assert plan.memory <= most_bytes


def test_what_fits_nowhere_is_refused_with_what_it_needs() -> None:
    with pytest.raises(UserError, match=r"1,000,000,000 items of 1,024 numbers take 136\.\d+ GB .*\(--memory\)"):
        plan_index("auto", 10**9, 1024, 8e9)
    with pytest.raises(UserError, match=r"kind flat, and 1\.00 GB are allowed"):
        plan_index("flat", 10**6, 1024, 1e9)


def test_memory_is_that_of_the_numbers_the_ids_and_the_centroids() -> None:
    assert plan_index("flat", 1000, 16, 1e9).memory == 1000 * 16 * 4
    sq8 = plan_index("ivf_sq8", 1000, 16, 1e9)
    assert sq8.lists == 64
    assert sq8.memory == 1000 * (16 + 8) + 64 * 16 * 4


@pytest.mark.parametrize("num_items", range(1, 9))
def test_there_are_no_more_lists_than_items(num_items: int) -> None:
    assert 1 <= plan_index("ivf_fp16", num_items, 16, 1e9).lists <= num_items


@pytest.mark.parametrize(("width", "codes"), [(1024, 128), (128, 16), (16, 2), (10, 1), (7, 1), (900, 100)])
def test_codes_divide_the_numbers(width: int, codes: int) -> None:
    assert num_codes(width) == codes
    assert width % num_codes(width) == 0


def test_more_exact_kinds_take_more_memory() -> None:
    sizes = [plan_index(kind, 10**6, 1024, 1e12).memory for kind in ("flat", "ivf_fp16", "ivf_sq8", "ivf_pq")]
    assert sizes == sorted(sizes, reverse=True)
    assert set(KINDS) >= {"flat", "ivf_fp16", "ivf_sq8", "ivf_pq"}
