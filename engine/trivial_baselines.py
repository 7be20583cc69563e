"""Whether a trained model surpasses what needs no training, said at the end of a run.

Letters of shapes: B pairs.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data.loading import Split
from data.pair_features import item_texts
from data.shared_terms import Rarity, WeighedTerms, term_counts
from engine.evaluator import MOST_PAIRS
from metrics.threshold import best_f1_threshold

WHAT_TO_TRY = (
    "where few pairs are positive, a learned threshold collapses: try predict.threshold=calibrated, "
    "options/small_data.yml, predict.decider=trees or a lower learning rate"
)


def trivial_f1s(train: Split, val: Split) -> Mapping[str, float]:
    """Return the best possible F1 on the labelled validation pairs of each baseline, by its name."""
    assert val.pairs.same is not None
    margins = {"every pair the same": np.zeros(len(val.pairs))}
    cosines = text_cosines(train, val)
    if cosines is not None:
        margins["TF-IDF of the text"] = cosines
    return {name: best_f1_threshold(margin, val.pairs.same).f1 for name, margin in margins.items()}


def text_cosines(train: Split, val: Split) -> NDArray[np.float64] | None:
    """Return the TF-IDF cosine of the texts of B validation pairs, rarity counted in the training items: (B,).

    None where no validation item has a text.
    """
    texts = item_texts(list(val.catalog))["text"]
    if not any(text.strip() for text in texts):
        return None
    rarity = Rarity.of(term_counts(item_texts(list(train.catalog))["text"], "ngrams"))
    terms = WeighedTerms(term_counts(texts, "ngrams"), rarity.weights())
    return terms.cosines(val.pairs.source, val.pairs.target)


def baseline_warning(train: Split, val: Split, reached: float, figure: str) -> str | None:
    """Return a sentence where an F1 on the validation pairs, called `figure`, is below that of a baseline, else None.

    Of more than MOST_PAIRS pairs it is not looked for.
    """
    if len(val.pairs) > MOST_PAIRS:
        return None
    name, best = max(trivial_f1s(train, val).items(), key=lambda entry: entry[1])
    if reached >= best:
        return None
    return f"the {figure}, {reached:.4f}, is below that of {name} on the same pairs, {best:.4f}: {WHAT_TO_TRY}"
