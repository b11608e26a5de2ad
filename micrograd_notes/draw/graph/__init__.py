"""A computation graph as a picture: a view of the values, DOT text, and SVG."""
