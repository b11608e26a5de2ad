"""Groups of numbers become operations on arrays, with axes and matrix products."""
