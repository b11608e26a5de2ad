"""Passes that simplify a tape and find its arrays. Read `simplify.py` first."""
