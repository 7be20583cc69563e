"""A whole catalogue: embedded, indexed, searched, its identical items found, near misses mined."""
