"""A local web page on which a model judges pairs of items."""
