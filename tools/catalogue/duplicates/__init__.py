"""Groups of identical items in a whole catalogue."""
