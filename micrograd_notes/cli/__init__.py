"""The command line, the tour, and formulas as text. Read `main.py` first."""
