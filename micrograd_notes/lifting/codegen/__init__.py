"""The typed program becomes source, in a room per language. Read `numpy/emit.py` first."""
