from collections.abc import Iterator

import faiss
import numpy as np
import pytest

from tools.catalogue import faiss_index
from tools.catalogue.index_plan import IndexPlan
from tools.catalogue.search_backend import Numbers


@pytest.fixture(scope="session", autouse=True)
def codes_are_learned_once() -> Iterator[None]:
    """Have each index of product quantisation learn once from equal numbers, since that takes seven seconds."""
    learn = faiss_index._trained
    learned: dict[tuple[IndexPlan, bytes, bytes | None], faiss.Index] = {}

    def copied(plan: IndexPlan, sample: Numbers, centroids: Numbers | None) -> faiss.Index:
        if plan.kind != "ivf_pq":
            return learn(plan, sample, centroids)
        key = (plan, sample.tobytes(), None if centroids is None else np.asarray(centroids).tobytes())
        if key not in learned:
            learned[key] = learn(plan, sample, centroids)
        return faiss.clone_index(learned[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faiss_index, "_trained", copied)
        yield
