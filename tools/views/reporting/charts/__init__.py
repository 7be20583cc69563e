"""Charts as lists of marks, drawn as SVG and as PNG."""
