"""What benchmarks.speed measures."""
