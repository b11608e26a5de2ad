"""The command line, the tour, and formulas as text."""
