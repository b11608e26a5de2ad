"""The printed NumPy program as calls into arrays that are made once, for repeated calls."""
