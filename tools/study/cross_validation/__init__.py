"""Cross-validation by product over training and validation pairs."""
