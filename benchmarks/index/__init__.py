"""Kinds of indexes compared on invented embeddings."""
