"""The page of a report: one file that loads nothing."""
