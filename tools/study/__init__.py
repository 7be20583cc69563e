"""Studies of trained models: thresholds, comparisons, cross-validation, ablations, submissions, drift."""
