"""The picture of a network: neurons, weights and their numbers. Read `picture.py` first."""
