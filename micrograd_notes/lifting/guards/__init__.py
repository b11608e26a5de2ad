"""Checks of a program: before it is used, and at each call. Read `net.py` first."""
