"""Passes that differentiate a tape, simplify it and find its arrays. Read `record.py` first."""
