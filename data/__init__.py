"""From item and pair files to batches of tensors."""
