"""Groups of numbers become operations on arrays. Read `arrange.py` first."""
