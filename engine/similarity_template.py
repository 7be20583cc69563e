"""The similarity.py that goes with a submission file."""

SOURCE = '''"""Similarity of two items of the submission file beside this one."""

THRESHOLD_WIDTH = {threshold_width}
"""Numbers of the threshold embedding, which comes first in an item's embedding; the match embedding follows."""


def compute(item_emb_1: list[float], item_emb_2: list[float]) -> float:
    """Return the match dot product minus the threshold dot product."""
    products = [x * y for x, y in zip(item_emb_1, item_emb_2)]
    return sum(products[THRESHOLD_WIDTH:]) - sum(products[:THRESHOLD_WIDTH])
'''


def similarity_source(threshold_width: int) -> str:
    """Return the text of similarity.py for embeddings whose first numbers are the threshold embedding."""
    return SOURCE.format(threshold_width=threshold_width)
