"""Encoders, branches and the score of a pair."""
