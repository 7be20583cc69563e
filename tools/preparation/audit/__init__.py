"""The audit of data: what can be found in a split's files, and how it is told."""
