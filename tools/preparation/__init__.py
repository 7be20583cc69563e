"""Steps that turn the official download into the files that the option files name."""
