"""Checks of a submission file as its judge would read it."""
