"""Passes that simplify a tape and find groups of numbers that are made alike."""
