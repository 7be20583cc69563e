"""The parts of audit_data.py: what can be found in a split's files, and how it is told."""
