"""The page of duplicate groups: one file that loads nothing and runs nothing."""
