"""Measurements of the project; not part of the product."""
