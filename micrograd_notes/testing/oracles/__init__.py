"""Independent judges of a program: exact numbers, and the peers PyTorch and JAX."""
