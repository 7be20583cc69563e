"""Decision rules: chosen on validation pairs, and compared."""
