"""Independent judges of a program, in exact numbers."""
