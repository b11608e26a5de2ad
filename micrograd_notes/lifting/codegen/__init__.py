"""The typed program becomes source, in a room per language. Read `numpy/emit.py` first."""


class CannotPrint(ValueError):
    """A program can't be written in a language; the message says why, and NumPy runs it."""
