"""Losses over the scores of pairs."""
