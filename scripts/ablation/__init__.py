"""Training of all ablations."""
