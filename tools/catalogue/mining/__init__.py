"""Negatives for a second round of training, from the embeddings of the first."""
