"""Explaining one pair: what each part of its items does to the margin."""
