"""What python -m benchmarks.fresh_pairs measures."""
