"""What python -m benchmarks.encoders tries."""
