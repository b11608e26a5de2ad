"""C programs: compiled by the user's compiler, kept in a private folder, called with arrays.

`backend.py` decides whether a program runs in C, and compares it with NumPy before it does. Read it
first, then `compiler.py`, `cache.py` and `call.py`, in the order of their work.
"""
