"""Operations on arrays become functions for JAX. Read `emit.py` first."""
