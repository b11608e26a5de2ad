"""The picture of a network: neurons, weights, and what they compute."""
