"""Scores of pairs without any learning, for every model to surpass."""
