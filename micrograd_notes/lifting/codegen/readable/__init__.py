"""The typed program as a person reads it, for NumPy and JAX. Read `printable.py` first."""
