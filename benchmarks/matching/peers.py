"""What others would try first: TF-IDF, trees on six TF-IDF cosines, and sentence-transformers with its losses.

Letters of shapes: B pairs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.matching.halves import Half
from data.item import item_text
from data.item_pair import PairTable
from data.pair_features import MeasuredItems, PairFeatures
from metrics.threshold import best_f1_threshold
from metrics.verification import verification_metrics

Floats = NDArray[np.float64]
Peer = Callable[[Half, int], float]
"""From the data and a seed to F1 on the half that is scored."""
LONGEST = 64
"""Tokens of a text, as the recipes read."""
PAIRS_A_STEP = 32


def tf_idf(half: Half, seed: int) -> float:
    """Decide by the TF-IDF cosine of the character n-grams of the whole text."""
    cosines = _cosines(half)
    return _scored(half, *(table[:, -1] for table in cosines[1:]))


def trees(half: Half, seed: int) -> float:
    """Decide by gradient-boosted trees on six TF-IDF cosines: words, codes and n-grams of title and text."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    train, chosen, scored = _cosines(half)
    same = half.tables()[1].same
    model = HistGradientBoostingClassifier(random_state=seed).fit(train, same)
    return _scored(half, *(model.predict_proba(table)[:, 1] for table in (chosen, scored)))


def _cosines(half: Half) -> tuple[Floats, Floats, Floats]:
    catalog, *tables = half.tables()
    rows = np.unique(np.concatenate([tables[0].source, tables[0].target]))
    items = list(catalog)
    measured = MeasuredItems(PairFeatures.of([items[row] for row in rows.tolist()]), items)

    def of(table: PairTable) -> Floats:
        return np.column_stack([terms.cosines(table.source, table.target) for terms in measured.terms.values()])

    train, chosen, scored = map(of, tables)
    return train, chosen, scored


def _scored(half: Half, chosen: Floats, scored: Floats) -> float:
    """Return F1 on the half to be scored, at the best threshold of the other."""
    *_, chosen_pairs, scored_pairs = half.tables()
    assert chosen_pairs.same is not None
    assert scored_pairs.same is not None
    threshold = best_f1_threshold(chosen, chosen_pairs.same).threshold
    return verification_metrics(scored, scored_pairs.same, threshold).f1


def sentence_transformers(encoder: str, loss: str, seconds: float, prefix: str = "") -> Peer:
    """Return the training of an encoder by one of the library's losses for so many seconds of processor time."""

    def peer(half: Half, seed: int) -> float:
        import torch
        from sentence_transformers import SentenceTransformer, losses

        torch.manual_seed(seed)
        catalog, train, chosen, scored = half.tables()
        texts = [prefix + item_text(item, "all") for item in catalog]
        model = SentenceTransformer(encoder, device="cpu")
        model.max_seq_length = LONGEST
        compute, optimizer = getattr(losses, loss)(model), torch.optim.AdamW(model.parameters(), lr=5e-5)
        assert train.same is not None
        usable = np.flatnonzero(train.same) if loss == "MultipleNegativesRankingLoss" else np.arange(len(train))
        order, started = np.random.default_rng(seed), time.process_time()
        model.train()
        while time.process_time() - started < seconds:
            batch = order.choice(usable, PAIRS_A_STEP)
            sides = [model.tokenize([texts[row] for row in side[batch]]) for side in (train.source, train.target)]
            labels = torch.from_numpy(train.same[batch].astype(np.float32))
            optimizer.zero_grad()
            compute(sides, labels).backward()
            optimizer.step()
        vectors = model.eval().encode(texts, normalize_embeddings=True)
        tables = ((vectors[pairs.source] * vectors[pairs.target]).sum(axis=1) for pairs in (chosen, scored))
        return _scored(half, *(table.astype(np.float64) for table in tables))

    return peer


PEERS: Mapping[str, Peer] = {"TF-IDF of n-grams": tf_idf, "trees on six cosines": trees}
LOSSES = ("OnlineContrastiveLoss", "CoSENTLoss", "MultipleNegativesRankingLoss")
