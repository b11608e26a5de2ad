"""Large programs from small ones: read `program.py` first."""
