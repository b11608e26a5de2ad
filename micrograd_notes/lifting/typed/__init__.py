"""The program as data: what arrays are computed, from what, with which shapes."""
