"""Graphs as data, recorded or random, and Hypothesis strategies for them."""
