import faiss
import numpy as np
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


def stored_bytes(kind: KindName, width: int) -> float:
    """What a kind keeps of 1,000 items, which are parted into 64 lists."""
    item = {
        "flat": 4 * width,
        "flat_fp16": 2 * width,
        "hnsw": 2 * width + 4 * (2 * 32 + 3.2),
        "ivf_fp16": 2 * width + 8,
        "ivf_sq8": width + 8,
        "ivf_pq": width // 8 + 8,
    }[kind]
    return 1000 * item + (64 * 4 * width if kind.startswith("ivf") else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fits_into_the_memory_that_its_items_take_and_not_into_less(kind: KindName) -> None:
    needed = stored_bytes(kind, 64)
    assert plan_index(kind, 1000, 64, needed + 1).memory == pytest.approx(needed)
    with pytest.raises(UserError, match=rf"in an index of kind {kind}, .* are allowed"):
        plan_index(kind, 1000, 64, needed - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_memory_of_every_kind_is_that_of_what_faiss_keeps(kind: KindName) -> None:
    plan = plan_index(kind, 2000, 16, 1e9)
    lists = f"IVF{plan.lists}," if plan.lists else ""
    stored = KINDS[kind].stored
    index = faiss.index_factory(16, f"{lists}{stored}{num_codes(16)}" if kind == "ivf_pq" else f"{lists}{stored}")
    items = np.random.default_rng(0).normal(size=(2000, 16)).astype(np.float32)
    trained = ([index] if lists else []) + ([index.pq] if kind == "ivf_pq" else [])
    if kind == "ivf_pq":
        index.do_polysemous_training = False  # which takes seconds, and neither do its codes
    for part in trained:
        part.cp.niter = 1  # how good the index is does not matter here
    index.train(items)
    index.add(items)
    # Product quantisation has a table of 256 numbers for each of the vector's besides.
    table = 256 * 16 * 4 if kind == "ivf_pq" else 0
    assert len(faiss.serialize_index(index)) - table == pytest.approx(plan.memory, rel=0.03)


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
